/*---
description: A tool.
roles: analyst
---*/
SELECT 1 AS n
