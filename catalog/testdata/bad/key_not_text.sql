/*---
description: A tool.
1: x
? [a]
: y
---*/
SELECT 1
