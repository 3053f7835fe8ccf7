/*---
description: A tool.
params:
  - name: a
    type: [string]
---*/
SELECT @a
