/*---
description: A tool.
params:
  - name: a
    type: integer
    default: 0x1F
---*/
SELECT @a
