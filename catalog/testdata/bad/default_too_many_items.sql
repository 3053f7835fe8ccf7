/*---
description: A tool.
params:
  - name: a
    type: string[]
    max_items: 1
    default: [a, b]
---*/
SELECT @a
