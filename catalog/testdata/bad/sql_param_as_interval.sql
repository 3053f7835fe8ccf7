/*---
description: A tool.
params: [{name: days, type: string}]
---*/
SELECT now() - interval @days AS t
