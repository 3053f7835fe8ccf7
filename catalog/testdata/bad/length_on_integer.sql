/*---
description: A tool.
params:
  - name: a
    type: integer
    min_length: 1
    max_length: 2
    pattern: a
---*/
SELECT @a
