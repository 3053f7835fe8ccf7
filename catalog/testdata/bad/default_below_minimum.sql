/*---
description: A tool.
params:
  - name: a
    type: integer
    minimum: 1
    default: 0
---*/
SELECT @a
