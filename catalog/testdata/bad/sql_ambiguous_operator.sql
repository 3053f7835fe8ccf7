/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
---*/
SELECT @a WHERE ARRAY[1] <@b
