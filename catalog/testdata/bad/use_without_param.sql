/*---
description: A tool.
params:
  - {name: table, type: string}
use: [target]
---*/
SELECT t.table_name FROM target AS t WHERE t.table_name = @table
