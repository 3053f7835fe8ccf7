/*---
description: A tool.
roles: [7]
---*/
SELECT 1 AS n
