/*---
description: Columns of a table.
params:
  - {name: table_name, type: string, names: table, required: true}
  - {name: schema, type: string, names: schema}
  - {name: column, type: string, names: column}
use: [target, relation]
result: rows
---*/
WITH wanted (column_name) AS (SELECT @column)
SELECT a.attname
FROM target AS t
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
CROSS JOIN wanted AS w
WHERE w.column_name IS NULL OR a.attname = w.column_name
ORDER BY a.attnum
LIMIT 100
