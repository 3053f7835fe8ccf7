/*---
description: Cancels an order.
access: write
result: affected
idempotent: true
destructive: false
trust: owner
limits: {max_affected: 1}
params:
  - {name: order_id, type: integer, required: true, minimum: 1}
  - {name: reason, type: string, min_length: 1, max_length: 200, pattern: '^\w', examples: [late, broken]}
not_found:
  message: There is no order {order_id} ({ not a param).
---*/
UPDATE orders SET cancelled = true, reason = @reason WHERE id = @order_id AND NOT cancelled
