/*---
description: A tool.
params:
  - name: a
    type: integer
    default: 1.5
---*/
SELECT @a
