/*---
description: Number of orders of each status.
limits: {rows: 20}
tests:
  - expect: {contains: [{status: delivered}], max_rows: 20}
---*/
SELECT status, count(*) AS orders FROM shop.orders GROUP BY status
