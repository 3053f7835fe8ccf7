/*---
description: A tool.
params:
  - name: a
    type: date
    default: 0000-01-01
---*/
SELECT @a
