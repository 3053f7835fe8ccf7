/*---
description: A tool.
params:
  - name: a
    type: boolean
    default: maybe
---*/
SELECT @a
