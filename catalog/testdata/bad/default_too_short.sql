/*---
description: A tool.
params:
  - name: a
    type: string
    min_length: 3
    default: äö
---*/
SELECT @a
