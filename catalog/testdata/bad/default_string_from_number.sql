/*---
description: A tool.
params:
  - name: a
    type: string
    default: 5
---*/
SELECT @a
