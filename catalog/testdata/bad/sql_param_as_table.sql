/*---
description: A tool.
params: [{name: table_name, type: string}]
---*/
SELECT id
FROM @table_name AS t
