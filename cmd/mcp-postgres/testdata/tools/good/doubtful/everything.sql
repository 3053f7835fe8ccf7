/*---
description: All columns.
---*/
SELECT * FROM shop.products
