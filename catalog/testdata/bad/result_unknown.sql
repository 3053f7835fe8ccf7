/*---
description: A tool.
result: table
---*/
SELECT 1
