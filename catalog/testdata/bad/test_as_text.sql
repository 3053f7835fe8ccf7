/*---
description: A tool.
tests:
  - as: analyst
---*/
SELECT 1 AS n
