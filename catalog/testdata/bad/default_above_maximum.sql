/*---
description: A tool.
params:
  - name: a
    type: number
    maximum: 0.1
    default: 0.10000000000000000001
---*/
SELECT @a
