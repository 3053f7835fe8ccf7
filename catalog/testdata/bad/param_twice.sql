/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: a, type: integer}
---*/
SELECT @a
