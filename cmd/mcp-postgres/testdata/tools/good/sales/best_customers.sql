/*---
title: Best customers
description: Customers by what they spent, the best first. Use it for questions about the best customers.
params:
  - {name: since, type: date, description: Count orders from this day on. Omit for all.}
  - {name: limit, type: integer, default: 3, minimum: 1, maximum: 100, description: Number of customers.}
roles: [analyst]
examples:
  - {description: The best three of all time., args: {}}
  - args: {since: 2025-01-01, limit: 10}
tests:
  - args: {limit: 2}
    expect: {rows: 2, columns: [customer, spent]}
  - args: {limit: 0}
    expect: {error: invalid_arguments}
---*/
SELECT o.customer, sum(o.total) AS spent
FROM shop.order_totals AS o
WHERE @since IS NULL OR o.placed_at >= @since
GROUP BY o.customer
ORDER BY spent DESC
LIMIT @limit
