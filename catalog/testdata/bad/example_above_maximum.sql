/*---
description: A tool.
params:
  - name: a
    type: integer
    maximum: 3
    examples: [4]
---*/
SELECT @a
