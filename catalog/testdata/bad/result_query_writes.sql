/*---
description: x
access: write
result: query
---*/
SELECT 1
