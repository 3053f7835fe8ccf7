/*---
description: 42
---*/
SELECT 1
