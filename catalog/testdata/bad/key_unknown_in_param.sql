/*---
description: A tool.
params:
  - name: a
    typ: string
    type: string
    min: 3
---*/
SELECT @a
