/*---
description: A tool.
tests:
  - {expects: {rows: 1}}
---*/
SELECT 1 AS n
