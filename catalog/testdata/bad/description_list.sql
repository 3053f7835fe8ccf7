/*---
description: [a]
---*/
SELECT 1
