/*---
description: A tool.
params:
  - name: a
    type: json
    default: {1: x}
---*/
SELECT @a
