/*---
description: A tool.
tests:
  - expect: one row
---*/
SELECT 1 AS n
