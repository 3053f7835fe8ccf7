/*---
description: A tool.
use: [targt, 7, zzz]
---*/
SELECT 1 AS n
