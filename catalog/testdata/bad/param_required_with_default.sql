/*---
description: A tool.
params:
  - name: a
    type: string
    required: true
    default: x
---*/
SELECT @a
