/*---
description: x
---*/
SELECT id
FORM shop.orders
