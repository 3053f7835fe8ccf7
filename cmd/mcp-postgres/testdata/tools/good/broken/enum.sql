/*---
description: Orders of a status.
params:
  - {name: status, type: string, required: true, description: Their status.}
limits: {rows: 5}
---*/
SELECT id FROM shop.orders WHERE status = @status ORDER BY id
