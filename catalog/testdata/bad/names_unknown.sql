/*---
description: A tool.
params:
  - {name: table_name, type: string, names: tables}
---*/
SELECT @table_name AS n
