/*---
description: A tool.
params:
  - name: a
    type: string[]
    enum: [table, view]
    default: [table, index]
---*/
SELECT @a
