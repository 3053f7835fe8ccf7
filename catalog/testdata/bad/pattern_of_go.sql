/*---
description: A tool.
params:
  - name: a
    type: string
    pattern: (?i)^a
---*/
SELECT @a
