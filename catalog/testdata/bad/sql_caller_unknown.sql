/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
---*/
SELECT @a, @b, @caller_name
