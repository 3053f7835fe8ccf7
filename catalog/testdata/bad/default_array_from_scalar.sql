/*---
description: A tool.
params:
  - name: a
    type: string[]
    default: a
---*/
SELECT @a
