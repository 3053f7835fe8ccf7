/*---
title: Rows that depend on a row
description: >
  What a DELETE in a table would reach: its foreign keys over all steps, with the effect of ON DELETE at each, and the tables that it refers to itself. With key it counts
  the rows that would be deleted, set to NULL, or stop the DELETE; nothing is changed. Steps go on where rows are deleted.
params:
  - name: table_name
    type: string
    names: table
    required: true
    description: Table.
  - name: schema
    type: string
    names: schema
    description: Omit for the search path.
  - name: key
    type: string[]
    max_items: 32
    description: The row, by the values of its primary key in the order of its columns. Omit for the tables alone.
  - name: max_depth
    type: integer
    default: 6
    minimum: 1
    maximum: 12
    description: Steps.
use: [relation, target]
access: read
trust: owner
result: query
omit_null: true
limits: {rows: 400}
tests:
  - args: {table_name: customers, key: ["1"]}
    expect: {contains: [{depth: 0, table_name: shop.customers, rows: 1}, {depth: 1, table_name: shop.addresses, effect: deleted, rows: 1}]}
  - args: {table_name: order_items}
    expect: {contains: [{direction: refers to, table_name: shop.orders}]}
  - args: {table_name: order}
    expect: {error: not_found}
---*/
WITH RECURSIVE edge AS MATERIALIZED (
  -- The foreign keys between tables that the caller sees; those of partitions are the ones of their parent.
  SELECT k.oid, k.conrelid, k.confrelid, k.conparentid, k.confdeltype,
         CASE k.confupdtype WHEN 'c' THEN ' ON UPDATE CASCADE' WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END AS on_update,
         pg_catalog.format('%I.%I', c.schema, c.table_name) AS child, pg_catalog.format('%I.%I', p.schema, p.table_name) AS parent, n.columns, n.referenced
  FROM pg_catalog.pg_constraint AS k
  JOIN relation AS c ON c.oid = k.conrelid
  JOIN relation AS p ON p.oid = k.confrelid
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS columns,
           pg_catalog.string_agg(pg_catalog.quote_ident(b.attname), ', ' ORDER BY u.place) AS referenced
    FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS u (attnum, other, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = u.other
  ) AS n
  WHERE k.contype = 'f'
), root AS MATERIALIZED (
  SELECT t.oid, pg_catalog.format('%I.%I', t.schema, t.table_name) AS name, i.columns, i.names, coalesce(pg_catalog.cardinality(i.columns), 0) AS parts
  FROM target AS t
  LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place) AS columns, pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS names
    FROM pg_catalog.pg_index AS x
    CROSS JOIN LATERAL pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = u.attnum
    WHERE x.indrelid = t.oid AND x.indisprimary AND u.place <= x.indnkeyatts
  ) AS i ON true
), start AS (
  SELECT r.*,
         (SELECT pg_catalog.string_agg(pg_catalog.format('%I = %L', r.columns[u.place], u.value), ' AND ' ORDER BY u.place)
          FROM pg_catalog.unnest(@key) WITH ORDINALITY AS u (value, place)) AS condition
  FROM root AS r
  WHERE @key IS NULL OR pg_catalog.cardinality(@key) = r.parts
), dependent AS (
  SELECT 0 AS depth, s.oid AS at, NULL::oid AS key, s.name AS path, ARRAY[]::oid[] AS seen, s.condition, 'c'::"char" AS effect FROM start AS s
  UNION ALL
  SELECT d.depth + 1, e.conrelid, e.oid, d.path || ' < ' || e.child, d.seen || e.oid,
         CASE WHEN @key IS NOT NULL THEN pg_catalog.format('(%s) IN (SELECT %s FROM %s WHERE %s)', e.columns, e.referenced, e.parent, d.condition) END, e.confdeltype
  FROM dependent AS d
  JOIN edge AS e ON e.confrelid = d.at AND (e.conparentid = 0 OR d.depth = 0 AND NOT EXISTS (SELECT FROM edge AS o WHERE o.oid = e.conparentid AND o.confrelid = d.at))
  WHERE d.effect = 'c' AND d.depth < @max_depth AND NOT e.oid = ANY (d.seen)
), referred AS (
  SELECT 0 AS depth, s.oid AS at, NULL::oid AS key, s.name AS path, ARRAY[]::oid[] AS seen FROM start AS s
  UNION ALL
  SELECT r.depth + 1, e.confrelid, e.oid, r.path || ' > ' || e.parent, r.seen || e.oid
  FROM referred AS r
  JOIN edge AS e ON e.conrelid = r.at AND (e.conparentid = 0 OR r.depth = 0 AND NOT EXISTS (SELECT FROM edge AS o WHERE o.oid = e.conparentid AND o.conrelid = r.at))
  WHERE r.depth < @max_depth AND NOT e.oid = ANY (r.seen)
), step AS (
  -- The nearest steps come first; of many paths those are shown.
  SELECT * FROM (
    (SELECT pg_catalog.row_number() OVER () AS place, d.depth, 'depends on it' AS direction, d.key, d.path, d.condition,
            CASE d.effect WHEN 'c' THEN 'deleted' WHEN 'n' THEN 'set to NULL' WHEN 'd' THEN 'set to the default' ELSE 'stops the DELETE' END AS effect
     FROM dependent AS d WHERE d.depth > 0 LIMIT 300)
    UNION ALL
    (SELECT 1000 + pg_catalog.row_number() OVER (), r.depth, 'refers to', r.key, r.path, NULL, NULL FROM referred AS r WHERE r.depth > 0 LIMIT 90)
  ) AS s
), line AS (
  SELECT 0 AS place, pg_catalog.format('SELECT 0 AS depth, NULL AS direction, %L AS table_name, NULL AS columns, NULL AS effect, %s AS rows, NULL AS path', s.name,
           CASE WHEN @key IS NULL THEN 'NULL::bigint' ELSE pg_catalog.format('(SELECT pg_catalog.count(*) FROM %s WHERE %s)', s.name, s.condition) END) AS sql
  FROM start AS s
  UNION ALL
  SELECT s.place, pg_catalog.format('SELECT %s, %L, %L, %L, %L, %s, %L', s.depth, s.direction, w.name, e.columns || ' -> ' || e.parent || ' (' || e.referenced || ')' || e.on_update, s.effect,
           CASE WHEN s.condition IS NULL THEN 'NULL' ELSE pg_catalog.format('(SELECT pg_catalog.count(*) FROM %s WHERE %s)', e.child, s.condition) END,
           CASE WHEN s.depth > 1 THEN s.path END)
  FROM step AS s
  JOIN edge AS e ON e.oid = s.key
  CROSS JOIN LATERAL (SELECT CASE s.direction WHEN 'refers to' THEN e.parent ELSE e.child END AS name) AS w
)
SELECT coalesce(
         (SELECT pg_catalog.string_agg(l.sql, E'\nUNION ALL ' ORDER BY l.place) FROM line AS l),
         pg_catalog.format('SELECT %L AS note', CASE WHEN r.parts = 0 THEN 'The table ' || r.name || ' has no primary key: leave key out.'
           ELSE 'The primary key of ' || r.name || ' has the columns ' || r.names || ': want a value for each in key.' END)) AS sql
FROM root AS r
