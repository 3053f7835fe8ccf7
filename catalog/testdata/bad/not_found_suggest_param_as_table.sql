/*---
description: A tool.
params: [{name: x, type: string}]
not_found: {message: "no {x}", suggest: SELECT name FROM @x}
---*/
SELECT @x AS n
