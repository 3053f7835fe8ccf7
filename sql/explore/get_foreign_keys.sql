/*---
title: Foreign keys of a table
description: >
  The foreign keys of a table in both directions: outgoing, incoming, or self for a table that references itself.
  Use it to write joins: columns are in the order of the key, so that they pair up; where the key has a period, the last ones by &&.
params:
  - name: table_name
    type: string
    names: table
    required: true
    min_length: 1
    description: Table or view; schema.table works too.
  - name: schema
    type: string
    names: schema
    description: Omit to look along the search path.
use: [foreign_key]
access: read
trust: owner
omit_null: true
tests:
  - args: {table_name: shop.order_items}
    expect: {contains: [{direction: outgoing, columns: [order_id], referenced_table: orders}]}
  - name: a table that references itself
    args: {table_name: categories}
    expect: {contains: [{direction: self}]}
  - args: {table_name: ordrs}
    expect: {error: not_found}
---*/
SELECT k.name, k.direction, k.schema, k.table_name, k.columns,
       k.referenced_schema, k.referenced_table, k.referenced_columns, k.on_delete, k.on_update, k.period, k.status
FROM foreign_key AS k
ORDER BY pg_catalog.array_position(ARRAY['outgoing', 'self', 'incoming'], k.direction), k.schema, k.table_name, k.name
