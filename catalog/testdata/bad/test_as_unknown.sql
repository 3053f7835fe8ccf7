/*---
description: A tool.
tests:
  - as: {user: alice}
---*/
SELECT 1 AS n
