/*---
description: A tool.
params:
  - name: a
    type: number
    default: .inf
---*/
SELECT @a
