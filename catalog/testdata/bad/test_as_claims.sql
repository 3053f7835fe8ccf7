/*---
description: A tool.
tests:
  - as: {claims: [admin]}
---*/
SELECT 1 AS n
