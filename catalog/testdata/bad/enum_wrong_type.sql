/*---
description: A tool.
params:
  - name: a
    type: string
    enum: [a, 1, null]
---*/
SELECT @a
