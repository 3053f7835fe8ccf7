/*---
description: A tool.
params:
  - name: a
    type: number
    default: 1e9999
---*/
SELECT @a
