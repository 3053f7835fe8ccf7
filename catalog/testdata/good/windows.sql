/*---
description: >
  Lines that end
  as on Windows.
params:
  - {name: a, type: string}
---*/
SELECT @a
FROM t;
