/*---
description: A tool.
params:
  - {name: unused, type: string}
use: [relation]
---*/
WITH a AS (SELECT 1)
SELECT r.table_name, @nosuch
FROM relation AS r
ORDRE BY r.table_name
