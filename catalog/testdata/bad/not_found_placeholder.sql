/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
not_found: {message: "No {aa}, {zzz} or {}"}
---*/
SELECT @a, @b
