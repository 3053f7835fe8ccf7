/*---
description: A tool.
params:
  - name: a
    type: string
    enum: []
---*/
SELECT @a
