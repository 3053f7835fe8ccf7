/*---
description: A tool.
params: [{name: word, type: string}]
---*/
SELECT name FROM notes WHERE name LIKE '%@word%'
