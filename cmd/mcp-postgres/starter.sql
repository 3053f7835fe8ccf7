/*---
# What a client shows to people, and what the model reads to choose this tool. Say when to use it.
title: NAME
description: Tables of one schema with their comment. Use it to ... (say here when the model should call it).

# The arguments. In the SQL each one is @name. Types: string, integer, number, boolean, date, time, timestamp, timestamptz,
# interval, uuid, json, and each with [] behind it.
params:
  - name: schema
    type: string
    required: true
    description: Name of the schema, such as public.
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 100
    description: Most tables to list.

# read runs in a READ ONLY transaction; write commits.
access: read

# rows is a list, object one row, value one column of one row, affected the number of rows that a write touched.
result: rows

# What "mcp-postgres test" calls, and what must come back.
tests:
  - args: {schema: pg_catalog, limit: 2}
    expect: {rows: 2, columns: [table_name, comment]}
---*/
SELECT c.relname AS table_name, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = @schema AND c.relkind IN ('r', 'p', 'v')
ORDER BY c.relname
LIMIT @limit
