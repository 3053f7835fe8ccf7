/*---
description: Sets the status of an order.
params:
  - {name: status, type: string, required: true, description: The new one.}
access: write
---*/
UPDATE shop.orders SET status = @status WHERE id = 1
