/*---
description: A tool.
params:
  - name: a
    type: interval
    default: 1 day
---*/
SELECT @a
