/*---
title: Sales by period
description: Orders and revenue in EUR by day, week or month, without cancelled orders. A period without orders is a row of zeros.
params:
  - {name: from, type: date, required: true, description: First day.}
  - {name: until, type: date, required: true, description: Last day.}
  - {name: period, type: string, enum: [day, week, month], default: month, description: Length of a period. Weeks begin on Monday.}
  - {name: country, type: string, pattern: "^[A-Z]{2}$", description: Country of delivery such as DE. Omit for all.}
limits: {rows: 400, timeout: 10s}
examples:
  - description: The first quarter of 2025 by month.
    args: {from: 2025-01-01, until: 2025-03-31}
tests:
  - name: a quarter by month
    args: {from: 2025-01-01, until: 2025-03-31}
    expect: {rows: 3, columns: [starts_on, orders, revenue], contains: [{starts_on: 2025-03-01, revenue: 102736.86}]}
  - name: days without orders are there
    args: {from: 2024-12-30, until: 2025-01-02, period: day}
    expect: {rows: 4, contains: [{starts_on: 2024-12-30, orders: 0, revenue: 0}]}
  - name: not a country code
    args: {from: 2025-01-01, until: 2025-03-31, country: Germany}
    expect: {error: invalid_arguments}
---*/
WITH sold AS (
  SELECT date_trunc(@period, o.placed_at AT TIME ZONE 'UTC')::date AS starts_on, o.id, i.line_total
  FROM shop.orders AS o
  JOIN shop.order_items AS i ON i.order_id = o.id
  JOIN shop.addresses AS a ON a.customer_id = o.customer_id AND a.no = o.address_no
  WHERE o.status <> 'cancelled'
    AND o.placed_at >= @from AND o.placed_at < @until + 1
    AND (@country IS NULL OR a.country = @country)
)
SELECT p.starts_on::date AS starts_on, count(DISTINCT s.id) AS orders, coalesce(sum(s.line_total), 0) AS revenue
FROM generate_series(date_trunc(@period, @from::timestamp), @until::timestamp, ('1 ' || @period)::interval) AS p (starts_on)
LEFT JOIN sold AS s ON s.starts_on = p.starts_on::date
GROUP BY p.starts_on
ORDER BY p.starts_on
