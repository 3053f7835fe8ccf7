/*---
description: A tool.
params:
  - name: a
    type: string
    min_items: 1
    max_items: 2
---*/
SELECT @a
