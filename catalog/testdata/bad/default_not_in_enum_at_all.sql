/*---
description: A tool.
params:
  - name: a
    type: integer
    enum: [1, 2]
    default: 3
---*/
SELECT @a
