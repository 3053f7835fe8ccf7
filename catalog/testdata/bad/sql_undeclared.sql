/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
---*/
SELECT @a, @b,
  'ü', @aa, @zzz,
 @aa
