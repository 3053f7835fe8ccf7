/*---
description: A tool.
params:
  - name: a
    type: timestamptz
    default: 2024-01-31T09:30:00
---*/
SELECT @a
