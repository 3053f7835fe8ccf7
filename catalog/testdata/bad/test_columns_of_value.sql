/*---
description: A tool.
result: value
tests:
  - expect: {columns: [n]}
---*/
SELECT 1 AS n
