/*---
description: A tool.
params:
  - name: a
    type: strng
---*/
SELECT @a, @b; x
