/*---
description: A tool.
params: [{name: direction, type: string}]
---*/
SELECT id FROM notes ORDER BY id @direction
