/*---
title: Ship an order
description: Marks a paid order as shipped. The order must not have been shipped or cancelled before.
params:
  - {name: order_id, type: integer, required: true, minimum: 1, description: Number of the order.}
  - {name: shipped_at, type: timestamptz, description: When it left the warehouse. Omit for now.}
access: write
result: affected
limits: {max_affected: 1}
roles: [warehouse]
not_found:
  when: SELECT NOT EXISTS (SELECT FROM shop.orders WHERE id = @order_id AND status = 'paid')
  message: 'There is no order {order_id} that is paid and waits to be shipped. order_details shows its state.'
tests:
  - name: a paid order
    as: {sub: tom@example.com, role: warehouse}
    args: {order_id: 1978, shipped_at: "2026-01-02T08:00:00+00:00"}
    expect: {affected: 1}
  - name: a delivered order
    as: {sub: tom@example.com, role: warehouse}
    args: {order_id: 1}
    expect: {error: not_found}
  - name: before it was placed
    as: {sub: tom@example.com, role: warehouse}
    args: {order_id: 1978, shipped_at: "2020-01-01T00:00:00Z"}
    expect: {error: "23514"}
---*/
UPDATE shop.orders
SET status = 'shipped',
    shipped_at = coalesce(@shipped_at, now()),
    note = concat_ws('; ', note, 'shipped by ' || @caller_sub)
WHERE id = @order_id AND status = 'paid'
