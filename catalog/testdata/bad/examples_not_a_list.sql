/*---
description: A tool.
params:
  - name: a
    type: integer
    examples: 4
---*/
SELECT @a
