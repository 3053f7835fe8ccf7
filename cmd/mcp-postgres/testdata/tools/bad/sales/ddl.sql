/*---
description: x
access: write
---*/
TRUNCATE shop.orders
