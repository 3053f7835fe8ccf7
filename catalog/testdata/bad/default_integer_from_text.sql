/*---
description: A tool.
params:
  - name: a
    type: integer
    default: "5"
---*/
SELECT @a
