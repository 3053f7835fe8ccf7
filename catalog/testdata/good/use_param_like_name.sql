/*---
description: A param whose name is the beginning of one that a fragment uses may have any type.
use: [target]
params:
  - {name: schema, type: string, names: schema}
  - {name: table_name, type: string, names: table}
  - {name: table, type: integer}
---*/
SELECT t.oid, @table AS number FROM target AS t
