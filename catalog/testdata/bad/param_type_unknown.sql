/*---
description: A tool.
params:
  - name: a
    type: blob
---*/
SELECT @a
