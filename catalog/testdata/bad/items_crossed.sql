/*---
description: A tool.
params:
  - name: a
    type: string[]
    min_items: 2
    max_items: 1
---*/
SELECT @a
