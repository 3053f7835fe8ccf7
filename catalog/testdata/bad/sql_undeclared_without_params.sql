/*---
description: A tool.
---*/
SELECT @table_name
