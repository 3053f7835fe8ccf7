/*---
title: Find orders
description: Orders by status, customer and day, the newest first, in pages. Omit an argument not to filter by it.
params:
  - name: statuses
    type: string[]
    enum: [pending, paid, shipped, delivered, cancelled]
    description: Only orders in one of these states.
  - name: customer
    type: string
    min_length: 2
    description: Part of the customer's name; letter case does not count.
  - name: placed_from
    type: date
    description: First day of the period, in UTC.
  - name: placed_until
    type: date
    description: Last day of the period, in UTC.
page: {key: [-placed_at, -order_id], size: 20, max: 200}
tests:
  - name: no filter
    args: {page_size: 2}
    expect: {rows: 2, columns: [order_id, customer, status, placed_at, total]}
  - name: all filters together
    args: {statuses: [pending, paid], customer: fischer, placed_from: 2025-12-01, placed_until: 2025-12-31}
    expect:
      contains: {order_id: 1978, customer: Ben Fischer, status: paid}
  - name: the last day is a part of the period
    args: {placed_from: 2025-12-29, placed_until: 2025-12-29}
    expect: {contains: {order_id: 1999}}
  - name: a percent sign is an ordinary character
    args: {customer: '%%'}
    expect: {rows: 0}
  - name: a state that does not exist
    args: {statuses: [returned]}
    expect: {error: invalid_arguments}
---*/
SELECT t.order_id, t.customer, t.status, t.placed_at, t.total
FROM shop.order_totals AS t
WHERE (@statuses IS NULL OR t.status = ANY (@statuses::shop.order_status[]))
  AND (@customer IS NULL OR strpos(lower(t.customer), lower(@customer)) > 0)
  AND (@placed_from IS NULL OR t.placed_at >= @placed_from)
  AND (@placed_until IS NULL OR t.placed_at < @placed_until + 1)
