/*---
description: A tool.
params:
  - name: a
    type: interval
    default: P1DT
---*/
SELECT @a
