/*---
title: My orders
description: The orders of the person who asks, the newest first.
params:
  - {name: limit, type: integer, default: 10, minimum: 1, maximum: 100, description: Number of orders.}
trust: owner
tests:
  - name: the token says who asks
    as: {sub: "4711", claims: {email: liam.patel6@example.com, email_verified: true}}
    args: {limit: 3}
    expect: {rows: 3, columns: [order_id, status, placed_at, total]}
  - name: an address that nobody has checked
    as: {sub: "4711", claims: {email: liam.patel6@example.com}}
    expect: {rows: 0}
  - name: without authentication nobody asks
    expect: {rows: 0}
---*/
SELECT t.order_id, t.status, t.placed_at, t.total
FROM shop.customers AS c
JOIN shop.order_totals AS t ON t.customer_id = c.id
WHERE c.email = @caller_claims ->> 'email' AND @caller_claims @> '{"email_verified": true}'
ORDER BY t.placed_at DESC
LIMIT @limit
