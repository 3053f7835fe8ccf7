/*---
description: A column that is not there.
result: value
---*/
SELECT sum(totl)
FROM shop.order_totals
