/*---
description: A tool.
tests:
  - expect: {row: 1}
---*/
SELECT 1 AS n
