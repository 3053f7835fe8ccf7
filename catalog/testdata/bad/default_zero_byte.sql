/*---
description: A tool.
params:
  - name: a
    type: string
    default: "a\0b"
---*/
SELECT @a
