/*---
description: A tool.
params:
  - type: string
---*/
SELECT 1
