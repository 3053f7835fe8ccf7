/*---
description: A tool.
params:
  - name: a
    type: uuid
    default: f81d4fae7dec11d0a76500a0c91e6bf6
---*/
SELECT @a
