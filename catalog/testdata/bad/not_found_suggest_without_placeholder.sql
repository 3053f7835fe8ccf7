/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
not_found: {message: None, suggest: SELECT 1}
---*/
SELECT @a, @b
