/*---
description:
---*/
SELECT 1
