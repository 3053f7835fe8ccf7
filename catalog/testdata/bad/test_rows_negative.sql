/*---
description: A tool.
tests:
  - expect: {rows: -1, max_rows: many}
---*/
SELECT 1 AS n
