/*---
description: A tool.
params: [{name: c, type: string}]
---*/
SELECT n.@c FROM notes AS n
