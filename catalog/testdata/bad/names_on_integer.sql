/*---
description: A tool.
params:
  - {name: a, type: integer, names: table}
  - {name: b, type: "string[]", names: schema}
---*/
SELECT @a AS a, @b AS b
