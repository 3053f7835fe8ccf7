/*---
description: A tool.
tests:
  - expect: {error: "42P01", rows: 0}
---*/
SELECT 1 AS n
