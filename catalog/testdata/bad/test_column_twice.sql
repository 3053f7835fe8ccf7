/*---
description: A tool.
tests:
  - expect: {columns: [n, n]}
---*/
SELECT 1 AS n
