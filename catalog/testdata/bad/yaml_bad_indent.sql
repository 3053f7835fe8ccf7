/*---
description: A tool.
params:
  - name: a
   type: string
---*/
SELECT 1
