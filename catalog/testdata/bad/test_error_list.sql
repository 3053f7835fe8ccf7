/*---
description: A tool.
tests:
  - expect: {error: [not_found]}
---*/
SELECT 1 AS n
