/*---
description: A tool.
params:
  - name: a
    type: number
    enum: [1, 1.0]
---*/
SELECT @a
