/*---
description: A tool.
params:
  - name: a
    type: string
    minimum: 1
    maximum: 2
---*/
SELECT @a
