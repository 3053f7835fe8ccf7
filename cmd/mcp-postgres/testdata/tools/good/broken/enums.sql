/*---
description: Orders of some statuses.
params:
  - {name: statuses, type: "string[]", required: true, description: Their statuses.}
limits: {rows: 5}
---*/
SELECT id FROM shop.orders WHERE status <> ALL (@statuses) ORDER BY id
