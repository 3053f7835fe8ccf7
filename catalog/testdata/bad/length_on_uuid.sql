/*---
description: A tool.
params:
  - name: a
    type: uuid
    pattern: a
---*/
SELECT @a
