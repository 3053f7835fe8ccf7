/*---
description: A tool.
params:
  - name: a
    type: number
    minimum: 1e3
    maximum: 999.9
---*/
SELECT @a
