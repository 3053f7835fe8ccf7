/*---
description: A tool.
params:
  - name: a
    type: string[]
    min_items: 1
    default: []
---*/
SELECT @a
