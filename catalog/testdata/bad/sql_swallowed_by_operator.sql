/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
---*/
SELECT ARRAY[1] @>@b, @@a
