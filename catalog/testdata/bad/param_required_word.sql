/*---
description: A tool.
params:
  - name: a
    type: string
    required: always
---*/
SELECT @a
