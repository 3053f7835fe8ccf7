/*---
description: A tool.
params: {a: string}
---*/
SELECT 1
