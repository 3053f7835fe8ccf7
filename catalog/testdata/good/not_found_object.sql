/*---
description: One order.
result: object
params: [{name: order_id, type: integer, required: true}]
not_found:
  when: |
    SELECT NOT EXISTS (
      SELECT FROM orders WHERE id = @order_id  -- the id
    );
  message: "There is no order {order_id}."
  suggest: SELECT id::text FROM orders ORDER BY abs(id - @order_id) LIMIT 3
---*/
SELECT * FROM orders WHERE id = @order_id
