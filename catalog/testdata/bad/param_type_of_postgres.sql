/*---
description: A tool.
params:
  - name: a
    type: bigint[]
---*/
SELECT @a
