/*---
description: A tool.
params:
  - name: a
    type: json
    default: {a: [0x10]}
---*/
SELECT @a
