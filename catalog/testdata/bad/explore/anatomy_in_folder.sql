/*---
description: A tool.
zzz: 1
---*/
SELECT 1
