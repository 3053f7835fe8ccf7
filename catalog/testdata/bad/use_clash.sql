/*---
description: A tool.
use: [relation]
---*/
WITH RECURSIVE first AS (SELECT 1 AS relation, 2 AS b),
  "relation" (a) AS (SELECT 1)
SELECT a, relation FROM relation, first
