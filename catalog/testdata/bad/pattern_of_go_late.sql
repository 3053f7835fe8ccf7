/*---
description: A tool.
params:
  - name: a
    type: string
    pattern: \\A?a\z
---*/
SELECT @a
