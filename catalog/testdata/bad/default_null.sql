/*---
description: A tool.
params:
  - name: a
    type: string
    default: null
---*/
SELECT @a
