/*---
description: x
---*/
WITH d AS (DELETE FROM shop.orders RETURNING id) SELECT count(*) FROM d
