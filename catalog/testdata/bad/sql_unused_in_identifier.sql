/*---
description: A tool.
params: [{name: col, type: string}]
---*/
SELECT "@col" FROM notes
