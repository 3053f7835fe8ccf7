/*---
description: Two columns for one value.
result: value
---*/
SELECT 1 AS a, 2 AS b
