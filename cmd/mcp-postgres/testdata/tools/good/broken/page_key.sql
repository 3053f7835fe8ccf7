/*---
description: A key that is no column.
page: {key: [idd]}
---*/
SELECT id FROM shop.orders
