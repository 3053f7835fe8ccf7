/*---
title: Order
description: One order with its customer, its address, its lines and what is still to be paid.
params:
  - {name: order_id, type: integer, required: true, minimum: 1, description: "Number of the order, as find_orders gives it."}
result: object
omit_null: true
not_found: {message: 'There is no order {order_id}.'}
tests:
  - name: an order that is still to be paid
    args: {order_id: 1999}
    expect:
      contains:
        status: pending
        lines: [{product: Fjord Tent, quantity: 3, line_total: 719.85}]
        total: 789.80
        unpaid: 789.80
  - name: a paid one
    args: {order_id: 1}
    expect: {contains: {status: delivered, unpaid: 0}}
  - name: no such order
    args: {order_id: 999999}
    expect: {error: not_found}
---*/
SELECT o.id AS order_id, o.status, o.placed_at, o.shipped_at, o.delivered_at, o.note,
       json_build_object('name', c.full_name, 'email', c.email) AS customer,
       json_build_object('street', a.street, 'postcode', a.postcode, 'city', a.city, 'country', a.country) AS address,
       l.lines, l.total,
       v.total - (SELECT coalesce(sum(p.amount), 0) FROM billing.payments AS p WHERE p.invoice_id = v.id) AS unpaid
FROM shop.orders AS o
JOIN shop.customers AS c ON c.id = o.customer_id
JOIN shop.addresses AS a ON a.customer_id = o.customer_id AND a.no = o.address_no
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_object('line_no', i.line_no, 'product', p.name, 'quantity', i.quantity,
                                    'line_total', i.line_total) ORDER BY i.line_no) AS lines,
         sum(i.line_total) AS total
  FROM shop.order_items AS i JOIN shop.products AS p ON p.id = i.product_id
  WHERE i.order_id = o.id
) AS l
LEFT JOIN billing.invoices AS v ON v.order_id = o.id
WHERE o.id = @order_id
