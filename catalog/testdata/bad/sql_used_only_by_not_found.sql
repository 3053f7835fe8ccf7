/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
not_found: {message: "No {b}", when: "SELECT @b IS NULL"}
---*/
SELECT @a
