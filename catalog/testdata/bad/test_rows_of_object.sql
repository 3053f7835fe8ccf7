/*---
description: A tool.
result: object
tests:
  - expect: {rows: 1}
---*/
SELECT 1 AS n
