/*---
description: A tool.
params:
  - name: a
    type: integer
    minimum: 1
    enum: [0, 1]
---*/
SELECT @a
