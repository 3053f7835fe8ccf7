/*---
title: Foreign keys of a table
description: >
  The foreign keys of tables in both directions: outgoing, incoming, or self. Columns are in the order of the key, so that they pair up;
  where it has a period, the last ones by &&.
params:
  - name: table_name
    type: string
    names: table
    required: true
    description: 'Table or view, or up to 20 with commas: orders, shop.items.'
  - name: schema
    type: string
    names: schema
    description: Omit for the search path.
use: [foreign_key, missing_name]
access: read
trust: owner
omit_null: true
tests:
  - args: {table_name: shop.order_items}
    expect: {contains: [{direction: outgoing, columns: [order_id], referenced_table: orders}]}
  - name: a table that references itself
    args: {table_name: categories}
    expect: {contains: [{direction: self}]}
  - name: several, each key once
    args: {table_name: 'order_items, orders, ordrs'}
    expect: {contains: [{direction: outgoing, columns: [order_id], referenced_table: orders}, {table_name: ordrs, error: 'There is no table or view of this name here. Did you mean orders?'}]}
  - args: {table_name: ordrs}
    expect: {error: not_found}
---*/
WITH answer AS (
  -- A key between two of the tables is shown once, as outgoing.
  SELECT DISTINCT ON (k.oid) k.name, k.direction, k.schema, k.table_name, k.columns, k.referenced_schema, k.referenced_table, k.referenced_columns,
         k.on_delete, k.on_update, k.period, k.status, k.on_delete_columns, k.match, k.deferrable, NULL::text AS error, t.place,
         pg_catalog.array_position(ARRAY['outgoing', 'self', 'incoming'], k.direction) AS part
  FROM foreign_key AS k
  JOIN targets AS t ON t.oid = k.target
  ORDER BY k.oid, part
)
SELECT a.name, a.direction, a.schema, a.table_name, a.columns, a.referenced_schema, a.referenced_table, a.referenced_columns,
       a.on_delete, a.on_update, a.period, a.status, a.on_delete_columns, a.match, a.deferrable, a.error
FROM (
  SELECT a.* FROM answer AS a
  UNION ALL
  SELECT NULL, NULL, NULL, m.table_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.error, m.place, 1
  FROM missing_name AS m
) AS a
ORDER BY a.place, a.part, a.schema, a.table_name, a.name
