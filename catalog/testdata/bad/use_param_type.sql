/*---
description: A tool.
params:
  - {name: table_name, type: integer}
  - {name: schema, type: string}
use: [target]
---*/
SELECT t.table_name FROM target AS t
