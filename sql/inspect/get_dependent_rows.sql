/*---
title: Rows that depend on a row
description: >
  What a DELETE in a table would reach: its foreign keys over all steps, with the effect of ON DELETE where the step before deletes, and the tables that it refers to itself.
  With key it counts the rows that would be deleted, set to NULL, or stop the DELETE, and goes on where rows are deleted; nothing is changed.
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
    default: 20
    minimum: 1
    maximum: 100
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
  -- The foreign keys between tables that the caller sees. A partition stands for the whole tree: a row is told by the table that holds it.
  SELECT k.*, v.row, c.relkind AS child_kind, p.relkind AS parent_kind, c.relrowsecurity,
         CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) ELSE c.oid END::oid AS child_tree,
         CASE WHEN p.relispartition THEN pg_catalog.pg_partition_root(p.oid) ELSE p.oid END::oid AS parent_tree,
         pg_catalog.format('%I.%I', c.schema, c.table_name) AS child, pg_catalog.format('%I.%I', p.schema, p.table_name) AS parent,
         -- Keys of PostgreSQL 18 that nobody enforces do nothing.
         CASE WHEN NOT coalesce((v.row ->> 'conenforced')::boolean, true) THEN '' ELSE k.confdeltype::text END AS on_delete
  FROM pg_catalog.pg_constraint AS k
  JOIN relation AS c ON c.oid = k.conrelid
  JOIN relation AS p ON p.oid = k.confrelid
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(k) AS row OFFSET 0) AS v
  WHERE k.contype = 'f' AND k.conparentid = 0
), start AS MATERIALIZED (
  SELECT t.oid, t.relrowsecurity, pg_catalog.format('%I.%I', t.schema, t.table_name) AS name,
         CASE WHEN t.relkind = 'r' THEN 'ONLY ' ELSE '' END || pg_catalog.format('%I.%I', t.schema, t.table_name) AS source,
         CASE WHEN t.relispartition THEN pg_catalog.pg_partition_root(t.oid) ELSE t.oid END::oid AS tree,
         i.names, coalesce(pg_catalog.cardinality(i.columns), 0) AS parts, @key IS NULL OR pg_catalog.cardinality(@key) = pg_catalog.cardinality(i.columns) AS is_named,
         (SELECT pg_catalog.string_agg(pg_catalog.format('x.%I = %L', u.name, u.value), ' AND ' ORDER BY u.place)
          FROM ROWS FROM (pg_catalog.unnest(i.columns), pg_catalog.unnest(@key)) WITH ORDINALITY AS u (name, value, place) WHERE u.name IS NOT NULL) AS condition
  FROM target AS t
  LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place) AS columns, pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS names
    FROM pg_catalog.pg_index AS x
    CROSS JOIN LATERAL pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = u.attnum
    WHERE x.indrelid = t.oid AND x.indisprimary AND u.place <= x.indnkeyatts
  ) AS i ON true
), dependent AS (
  -- A row for each depth: the tables that are reached there first.
  SELECT 0 AS depth, ARRAY[s.tree] AS trees, ARRAY[s.tree] AS seen FROM start AS s WHERE s.is_named
  UNION ALL
  SELECT d.depth + 1, n.trees, d.seen || n.trees
  FROM dependent AS d
  CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(DISTINCT e.child_tree) AS trees FROM edge AS e
                      WHERE e.parent_tree = ANY (d.trees) AND e.child_tree <> ALL (d.seen) AND (@key IS NULL OR e.on_delete = 'c')) AS n
  WHERE n.trees IS NOT NULL AND d.depth + 1 < @max_depth
), referred AS (
  SELECT 0 AS depth, ARRAY[s.tree] AS trees, ARRAY[s.tree] AS seen FROM start AS s WHERE s.is_named
  UNION ALL
  SELECT r.depth + 1, n.trees, r.seen || n.trees
  FROM referred AS r
  CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(DISTINCT e.parent_tree) AS trees FROM edge AS e
                      WHERE e.child_tree = ANY (r.trees) AND e.parent_tree <> ALL (r.seen)) AS n
  WHERE n.trees IS NOT NULL AND r.depth + 1 < @max_depth
), step AS MATERIALIZED (
  SELECT s.*, n.columns, n.referenced, n.condition, n.set_columns
  FROM (
    (SELECT pg_catalog.row_number() OVER (ORDER BY d.depth, e.child, e.conname) AS place, d.depth + 1 AS depth, true AS depends, e.*
     FROM dependent AS d JOIN edge AS e ON e.parent_tree = ANY (d.trees) ORDER BY place LIMIT 200)
    UNION ALL
    (SELECT 1000 + pg_catalog.row_number() OVER (ORDER BY r.depth, e.parent, e.conname) AS place, r.depth + 1, false, e.*
     FROM referred AS r JOIN edge AS e ON e.child_tree = ANY (r.trees) ORDER BY place LIMIT 90)
  ) AS s
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS columns,
           pg_catalog.string_agg(pg_catalog.quote_ident(b.attname), ', ' ORDER BY u.place) AS referenced,
           pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) FILTER (WHERE s.row -> 'confdelsetcols' @> pg_catalog.to_jsonb(a.attnum)) AS set_columns,
           -- The last pair of a key with a PERIOD overlaps.
           pg_catalog.string_agg(pg_catalog.format('c.%I %s p.%I', a.attname, CASE WHEN (s.row ->> 'conperiod')::boolean AND u.place = pg_catalog.cardinality(s.conkey) THEN '&&' ELSE '=' END, b.attname), ' AND ' ORDER BY u.place) AS condition
    FROM ROWS FROM (pg_catalog.unnest(s.conkey), pg_catalog.unnest(s.confkey)) WITH ORDINALITY AS u (attnum, other, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.conrelid AND a.attnum = u.attnum
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = s.confrelid AND b.attnum = u.other
  ) AS n
), part AS (
  SELECT coalesce(pg_catalog.string_agg(pg_catalog.format(', (%s, %s, %L, %L, %L, %L)', s.place, s.depth, CASE WHEN s.depends THEN 'depends on it' ELSE 'refers to' END,
           CASE WHEN s.depends THEN s.child ELSE s.parent END,
           s.columns || ' -> ' || s.parent || ' (' || s.referenced || ')'
             || CASE s.confupdtype WHEN 'c' THEN ' ON UPDATE CASCADE' WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END,
           CASE WHEN s.depends THEN CASE s.on_delete WHEN 'c' THEN 'deleted' WHEN 'n' THEN 'set to NULL' WHEN 'd' THEN 'set to the default'
             WHEN 'r' THEN 'stops the DELETE (RESTRICT)' WHEN '' THEN 'none: the key is not enforced' ELSE 'stops the DELETE' END || coalesce(': ' || s.set_columns, '') END), '' ORDER BY s.place), '') AS list,
         -- The rows of a step, found by the place of the row before; a plain table is looked into for its own rows only.
         pg_catalog.string_agg(pg_catalog.format('SELECT c.tableoid AS tab, c.ctid AS tid, %s AS step FROM %s%s AS p JOIN %s%s AS c ON %s WHERE %sp.tableoid = d.tab AND p.ctid = d.tid',
           s.place, CASE WHEN s.parent_kind = 'r' THEN 'ONLY ' ELSE '' END, s.parent, CASE WHEN s.child_kind = 'r' THEN 'ONLY ' ELSE '' END, s.child, s.condition,
           CASE WHEN s.parent_kind = 'r' THEN 'd.tab = ' || s.confrelid || '::pg_catalog.oid AND ' ELSE '' END), ' UNION ALL ' ORDER BY s.place)
           FILTER (WHERE s.depends AND s.on_delete <> '') AS finds,
         '0' || coalesce(', ' || pg_catalog.string_agg(s.place::text, ', ' ORDER BY s.place) FILTER (WHERE s.depends AND s.on_delete = 'c'), '') AS deletes,
         '0' || coalesce(', ' || pg_catalog.string_agg(s.place::text, ', ' ORDER BY s.place) FILTER (WHERE s.depends AND s.on_delete = 'r'), '') AS restricts,
         nullif(pg_catalog.concat_ws(' ',
           CASE WHEN pg_catalog.count(*) FILTER (WHERE s.depends) = 200 OR pg_catalog.count(*) FILTER (WHERE NOT s.depends) = 90 OR EXISTS (
                  -- A table that is first reached by the last step, and keys that go on from there.
                  SELECT FROM step AS l
                  JOIN edge AS e ON CASE WHEN l.depends THEN e.parent_tree = l.child_tree ELSE e.child_tree = l.parent_tree END
                  WHERE l.depth = @max_depth AND (@key IS NULL OR l.on_delete = 'c' OR NOT l.depends)
                    AND NOT EXISTS (SELECT FROM dependent AS d WHERE l.depends AND l.child_tree = ANY (d.trees))
                    AND NOT EXISTS (SELECT FROM referred AS r WHERE NOT l.depends AND l.parent_tree = ANY (r.trees)))
                THEN CASE WHEN @key IS NULL THEN 'Not all steps are shown.' ELSE 'Not all steps are shown: the numbers are lower bounds.' END END,
           CASE WHEN @key IS NOT NULL AND (pg_catalog.bool_or(s.relrowsecurity AND s.depends) OR (SELECT t.relrowsecurity FROM start AS t)) THEN 'Rows that row security hides are not counted.' END,
           CASE WHEN @caller_role IS NOT NULL THEN 'Tables that this role does not see are left out.' END), '') AS note
  FROM step AS s
)
SELECT CASE
  WHEN NOT coalesce(s.is_named, false) THEN pg_catalog.format('SELECT %L AS note', CASE WHEN s.parts = 0 THEN 'The table ' || s.name || ' has no primary key: leave key out.'
    ELSE 'The primary key of ' || s.name || ' has the columns ' || s.names || ': want a value for each in key.' END)
  WHEN @key IS NULL THEN pg_catalog.format(
    'SELECT v.depth, v.direction, v.table_name, v.columns, v.effect, v.note FROM (SELECT v.*, CASE WHEN v.depth = 0 THEN %L END AS note FROM (VALUES (0, 0, NULL, %L, NULL, NULL)%s) '
    'AS v (place, depth, direction, table_name, columns, effect)) AS v ORDER BY v.place', p.note, s.name, p.list)
  ELSE pg_catalog.format($sql$
WITH RECURSIVE found (tab, tid, step) AS (
  SELECT x.tableoid, x.ctid, 0 FROM %1$s AS x WHERE %2$s
  UNION
  SELECT e.tab, e.tid, e.step FROM found AS d CROSS JOIN LATERAL (%3$s) AS e WHERE d.step IN (%4$s)
), row AS MATERIALIZED (
  SELECT f.tab, f.tid, f.step FROM found AS f LIMIT 100001
), deleted AS MATERIALIZED (
  SELECT DISTINCT r.tab, r.tid FROM row AS r WHERE r.step IN (%4$s)
), first AS (
  SELECT r.tab, r.tid FROM row AS r WHERE r.step = 0
), n AS (
  SELECT r.step, pg_catalog.count(*) AS rows
  FROM row AS r
  WHERE CASE WHEN r.step = 0 THEN true
             WHEN r.step IN (%4$s) THEN NOT EXISTS (SELECT FROM first AS o WHERE o.tab = r.tab AND o.tid = r.tid)
             ELSE r.step IN (%5$s) OR NOT EXISTS (SELECT FROM deleted AS o WHERE o.tab = r.tab AND o.tid = r.tid) END
  GROUP BY r.step
)
SELECT v.depth, v.direction, v.table_name, v.columns, v.effect,
       CASE WHEN v.direction = 'refers to' OR v.effect ^@ 'none' THEN NULL ELSE coalesce(n.rows, 0) END AS rows,
       CASE WHEN v.depth = 0 THEN (SELECT pg_catalog.count(*) FROM deleted) END AS deleted_in_all,
       CASE WHEN v.depth = 0 THEN nullif(pg_catalog.concat_ws(' ', %6$L, CASE WHEN (SELECT pg_catalog.count(*) FROM row) > 100000 THEN 'More than 100000 rows are reached: the numbers are lower bounds.' END), '') END AS note
FROM (VALUES (0, 0, NULL, %7$L, NULL, NULL)%8$s) AS v (place, depth, direction, table_name, columns, effect)
LEFT JOIN n ON n.step = v.place
ORDER BY v.place$sql$, s.source, s.condition, coalesce(p.finds, 'SELECT d.tab, d.tid, 0 WHERE false'), p.deletes, p.restricts, p.note, s.name, p.list) END AS sql
FROM start AS s CROSS JOIN part AS p
