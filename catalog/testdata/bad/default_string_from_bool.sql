/*---
description: A tool.
params:
  - name: a
    type: string
    default: true
---*/
SELECT @a
