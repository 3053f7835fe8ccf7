/*---
title: Place an order
description: Places an order for a customer at today's prices. Either the order and all of its lines are stored, or nothing is.
params:
  - {name: email, type: string, required: true, max_length: 200, description: "The customer's email address, all of it."}
  - name: lines
    type: json
    required: true
    description: 'What is ordered: a list such as [{"sku": "TEN-ALP-001", "quantity": 2}].'
  - {name: note, type: string, max_length: 500, description: "The customer's wish, in their own words."}
access: write
destructive: false
result: object
omit_null: true
limits: {timeout: 5s}
not_found:
  message: 'Nothing was ordered. Either there is no customer {email}, or a line names a product that is not for sale.'
tests:
  - name: two lines
    args:
      email: liam.patel6@example.com
      lines: [{sku: TEN-ALP-001, quantity: 2}, {sku: HAR-FJO-086, quantity: 1}]
    expect: {contains: {status: pending, lines: 2}}
  - name: one product of two does not exist
    args: {email: liam.patel6@example.com, lines: [{sku: TEN-ALP-001, quantity: 2}, {sku: NO-SUCH, quantity: 1}]}
    expect: {error: not_found}
  - name: a quantity that the table does not allow
    args: {email: liam.patel6@example.com, lines: [{sku: TEN-ALP-001, quantity: 0}]}
    expect: {error: "23514"}
  - name: no lines
    args: {email: liam.patel6@example.com, lines: []}
    expect: {error: not_found}
  - name: no such customer
    args: {email: nobody@example.com, lines: [{sku: TEN-ALP-001, quantity: 1}]}
    expect: {error: not_found}
---*/
WITH wanted AS (
  SELECT w.no, w.quantity, p.id AS product_id, p.price
  FROM ROWS FROM (jsonb_to_recordset(@lines) AS (sku text, quantity int)) WITH ORDINALITY AS w (sku, quantity, no)
  LEFT JOIN shop.products AS p ON p.sku = w.sku AND p.active
),
placed AS (
  INSERT INTO shop.orders (customer_id, address_no, placed_at, note)
  SELECT c.id, 1, now(), @note
  FROM shop.customers AS c
  WHERE c.email = @email
    AND EXISTS (SELECT FROM wanted)
    AND NOT EXISTS (SELECT FROM wanted WHERE product_id IS NULL)
  RETURNING id, status, placed_at
),
line AS (
  INSERT INTO shop.order_items (order_id, line_no, product_id, quantity, unit_price)
  SELECT placed.id, w.no, w.product_id, w.quantity, w.price
  FROM placed CROSS JOIN wanted AS w
  RETURNING line_total
)
SELECT p.id AS order_id, p.status, p.placed_at, count(*) AS lines, sum(l.line_total) AS total
FROM placed AS p CROSS JOIN line AS l
GROUP BY p.id, p.status, p.placed_at
