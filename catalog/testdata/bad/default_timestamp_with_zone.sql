/*---
description: A tool.
params:
  - name: a
    type: timestamp
    default: 2024-01-31T09:30:00Z
---*/
SELECT @a
