/*---
description: A tool.
tests:
  - expect: {affected: 1}
---*/
SELECT 1 AS n
