/*---
title: List indexes
description: >
  Indexes of one table, or of all tables of a schema, with definition, size estimate and number of scans on this server since the
  statistics were reset, which statistics_since tells where it was lately. Use it to judge which queries an index serves.
params:
  - name: table_name
    type: string
    names: table
    description: Omit for all tables of the schema.
  - name: schema
    type: string
    names: schema
    description: Omit for the current schema.
use: [target, counters]
access: read
trust: owner
omit_null: true
page: {key: [table_name, index_name], size: 100, max: 1000}
tests:
  - args: {schema: shop, table_name: products}
    expect: {contains: [{index_name: products_pkey, is_primary: true}]}
  - args: {schema: shop, table_name: product}
    expect: {error: not_found}
---*/
WITH owner AS (
  SELECT n.nspname, c.oid, c.relname, c.reltuples,
         -- Citus keeps the rows of a table that has this trigger on other nodes, and counts there.
         c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
           WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
  FROM pg_catalog.pg_namespace AS n
  -- pg_class has no index by schema. pg_depend has one, and holds every relation but those that initdb makes.
  JOIN LATERAL (
    SELECT d.objid FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND d.refobjid = n.oid
      AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL
    SELECT s.oid FROM pg_catalog.pg_class AS s WHERE s.relnamespace = n.oid AND n.nspname = 'pg_catalog'
    OFFSET 0
  ) AS m (oid) ON true
  JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
  WHERE n.nspname = coalesce((SELECT t.schema FROM target AS t), @schema, pg_catalog.current_schema())
    AND (@table_name IS NULL OR c.oid = (SELECT t.oid FROM target AS t))
    AND c.relkind IN ('r', 'p', 'm')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
)
SELECT o.nspname AS schema,
       o.relname AS table_name,
       x.relname AS index_name,
       pg_catalog.pg_get_indexdef(x.oid) AS definition,
       CASE WHEN i.indisprimary THEN true END AS is_primary,
       CASE WHEN i.indisunique AND NOT i.indisexclusion THEN true END AS is_unique,
       -- A key of PostgreSQL 18 whose last column is a period.
       CASE WHEN i.indisunique AND i.indisexclusion THEN true END AS without_overlaps,
       CASE WHEN NOT i.indisvalid THEN true END AS is_invalid,
       CASE WHEN x.relkind = 'i' AND o.reltuples >= 0 AND NOT o.is_elsewhere THEN x.relpages * pg_catalog.current_setting('block_size')::bigint END AS byte_estimate,
       CASE WHEN NOT o.is_elsewhere THEN u.scans END AS scans,
       CASE WHEN w.since > pg_catalog.now() - interval '7 days' AND u.scans IS NOT NULL AND NOT o.is_elsewhere THEN w.since END AS statistics_since,
       CASE WHEN o.is_elsewhere THEN 'The rows are on other nodes, which count their own scans.'
            WHEN w.is_standby AND u.scans IS NOT NULL THEN 'Scans on this standby alone.' END AS scans_note,
       d.description AS comment
FROM owner AS o
JOIN pg_catalog.pg_index AS i ON i.indrelid = o.oid
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
CROSS JOIN LATERAL (
  -- The index of a partitioned table is scanned where those of its partitions are.
  SELECT CASE WHEN x.relkind = 'I'
              THEN (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_numscans(p.relid)) FROM pg_catalog.pg_partition_tree(x.oid) AS p)::bigint
              ELSE pg_catalog.pg_stat_get_numscans(x.oid) END AS scans
  OFFSET 0
) AS u
CROSS JOIN counters AS w
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = x.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
