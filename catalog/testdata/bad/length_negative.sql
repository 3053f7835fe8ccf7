/*---
description: A tool.
params:
  - name: a
    type: string
    min_length: -3
    max_length: 1.0
---*/
SELECT @a
