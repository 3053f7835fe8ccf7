/*---
description: A tool.
params:
  - {name: a, type: string}
  - {name: b, type: "integer[]"}
not_found:
  message: No {a}
  when: SELECT @aaa IS NULL
  suggest: |
    SELECT 'x
---*/
SELECT @a, @b
