/*---
description: A tool.
params:
  - name: a
    type: integer[]
    maximum: 9
    default: [1, 10]
---*/
SELECT @a
