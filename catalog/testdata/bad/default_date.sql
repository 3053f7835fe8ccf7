/*---
description: A tool.
params:
  - name: a
    type: date
    default: 2024-02-30
---*/
SELECT @a
