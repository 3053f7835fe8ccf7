/*---
description: A tool.
examples:
  - description: No arguments at all.
---*/
SELECT 1 AS n
