/*---
description: A tool.
params:
  - name: a
    type: string
    pattern: "[a"
---*/
SELECT @a
