/*---
description: A tool.
params:
  - name: a
    type: interval
    default: P
---*/
SELECT @a
