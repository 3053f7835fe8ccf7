/*---
description: A tool.
params:
  - name: a
    type: string
    pattern: ^[a-z]+$
    default: ABC
---*/
SELECT @a
