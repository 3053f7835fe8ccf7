/*---
description: A tool.
params:
  - {name: 5, type: string}
---*/
SELECT 1
