/*---
description: A tool.
params:
  - name: a
    type: date
    minimum: 2024-01-01
---*/
SELECT @a
