/*---
title: Columns without comment
description: Columns of a table that nobody has described yet. Use it to see what is to be documented.
params:
  - {name: table_name, type: string, required: true, names: table, description: Table or view; schema.table works too.}
  - {name: schema, type: string, names: schema, description: Schema of the table. Omit to look along the search path.}
use: [target]
trust: owner
limits: {rows: 500}
tests:
  - name: along the search path
    args: {table_name: orders}
    expect: {rows: 2, contains: [{column_name: customer_id, type: integer}]}
  - name: a qualified name
    args: {table_name: billing.invoices}
    expect: {contains: [{column_name: due_on, type: date}]}
  - name: no such table
    args: {table_name: custmers}
    expect: {error: not_found}
---*/
SELECT t.schema, t.table_name, a.attname AS column_name, format_type(a.atttypid, a.atttypmod) AS type
FROM target AS t
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE col_description(a.attrelid, a.attnum) IS NULL
ORDER BY a.attnum
