/*---
description: A tool.
params: 5
---*/
SELECT @a, $1, 'x
