/*---
description: A table that is not there.
limits: {rows: 1}
---*/
SELECT id
FROM shop.ordrs
