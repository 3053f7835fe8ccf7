/*---
description: A tool.
params:
  - name: a
    type: integer
    minimum: "1"
    maximum: 1.5
---*/
SELECT @a
