/*---
description: A tool.
params: [{name: word, type: string}]
---*/
SELECT $$ @word $$ AS n
