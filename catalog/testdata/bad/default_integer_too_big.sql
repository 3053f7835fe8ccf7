/*---
description: A tool.
params:
  - name: a
    type: integer
    default: 9223372036854775808
---*/
SELECT @a
