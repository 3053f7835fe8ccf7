/*---
description: A tool.
params:
  - name: a
    type: integer
    examples: [1, x, null]
---*/
SELECT @a
