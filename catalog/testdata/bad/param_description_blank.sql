/*---
description: A tool.
params:
  - name: a
    type: string
    description: ""
---*/
SELECT @a
