/*---
description: A tool.
params:
  - name: a
    type: string[]
    enum: [[a]]
---*/
SELECT @a
