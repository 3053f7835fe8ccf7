/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
not_found: {message: "No {a}", when: SELECT 1; SELECT 2, suggest: "-- none"}
---*/
SELECT @a, @b
