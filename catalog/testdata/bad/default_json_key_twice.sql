/*---
description: A tool.
params:
  - name: a
    type: json
    default: {a: 1, a: 2}
---*/
SELECT @a
