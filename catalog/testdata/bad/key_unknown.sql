/*---
description: A tool.
parms: []
roles: [a]
zzz: 1
---*/
SELECT 1
