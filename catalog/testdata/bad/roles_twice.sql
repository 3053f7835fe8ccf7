/*---
description: A tool.
roles: [analyst, analyst]
---*/
SELECT 1 AS n
