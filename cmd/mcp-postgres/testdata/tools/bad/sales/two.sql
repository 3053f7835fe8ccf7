/*---
description: x
---*/
SELECT 1; DROP TABLE shop.orders
