/*---
descripton: x
parms: []
---*/
SELECT 1 AS n
