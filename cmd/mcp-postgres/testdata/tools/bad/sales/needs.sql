/*---
description: x
requires: {server_version: newest}
roles: analyst
examples: [{description: x}]
---*/
SELECT 1 AS n
