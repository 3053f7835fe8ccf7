/*---
description: A tool.
params:
  - name: a
    description: x
---*/
SELECT @a
