/*---
description: A tool.
params:
  - name: a
    type: integer[]
    default: [1, two, 3.5, 4]
---*/
SELECT @a
