/*---
description: One order. Use it when the number is known.
params: [{name: order_id, type: integer, required: true, description: Number of the order.}]
result: object
not_found: {message: 'There is no order {order_id}.'}
tests:
  - args: {order_id: 1}
    expect: {contains: {id: 1}, columns: [id, status, placed_at]}
  - args: {order_id: 0}
    expect: {error: not_found}
---*/
SELECT id, status, placed_at FROM shop.orders WHERE id = @order_id
