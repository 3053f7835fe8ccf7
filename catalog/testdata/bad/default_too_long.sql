/*---
description: A tool.
params:
  - name: a
    type: string
    max_length: 3
    default: abcd
---*/
SELECT @a
