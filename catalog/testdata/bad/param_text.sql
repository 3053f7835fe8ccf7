/*---
description: A tool.
params: [a]
---*/
SELECT 1
