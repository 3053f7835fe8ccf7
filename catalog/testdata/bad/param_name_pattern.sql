/*---
description: A tool.
params:
  - {name: tableName, type: string}
---*/
SELECT @tableName
