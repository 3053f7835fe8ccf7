/*---
title: Unused indexes
description: >
  Indexes that were scanned at most max_scans times since the statistics were reset (statistics_since), the largest first; those that keep
  rows unique are left out. Use it to find what only costs writes and space. Read the notes: scans on other servers are not in it.
params:
  - name: max_scans
    type: integer
    default: 0
    minimum: 0
    description: Most scans of an unused index.
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 50
    minimum: 1
    maximum: 500
    description: Most indexes.
use: [counters]
access: read
trust: owner
omit_null: true
limits: {rows: 510}
tests:
  - args: {schema: shop, max_scans: 1000000000, limit: 200}
    expect: {contains: [{index_name: products_tags_idx}]}
---*/
WITH index AS MATERIALIZED (
  SELECT n.nspname, t.oid AS table_oid, t.relname AS table_name, x.oid, x.relname, i.indkey, u.scans, u.pages, e.is_elsewhere
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  CROSS JOIN LATERAL (
    -- The index of a partitioned table is used where those of its partitions are.
    SELECT pg_catalog.sum(pg_catalog.pg_stat_get_numscans(p.relid)) AS scans, pg_catalog.sum(c.relpages) AS pages
    FROM pg_catalog.pg_partition_tree(x.oid) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
    WHERE x.relkind = 'I'
    UNION ALL
    SELECT pg_catalog.pg_stat_get_numscans(x.oid), CASE WHEN t.reltuples >= 0 THEN x.relpages END WHERE x.relkind = 'i'
  ) AS u
  CROSS JOIN LATERAL (
    -- Citus keeps the rows of a table that has this trigger on other nodes, and counts there.
    SELECT t.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
             WHERE g.tgrelid = t.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
    OFFSET 0
  ) AS e
  WHERE NOT i.indisunique
    AND NOT i.indisexclusion
    AND NOT i.indisreplident
    AND i.indisvalid
    AND NOT x.relispartition
    AND t.relkind IN ('r', 'p', 'm')
    AND t.relpersistence <> 't'
    AND (u.scans <= @max_scans OR e.is_elsewhere AND u.scans IS NOT NULL)
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, t.relname) = ANY (@caller_tables))
), unused AS MATERIALIZED (
  SELECT x.* FROM index AS x WHERE NOT x.is_elsewhere ORDER BY x.pages DESC NULLS LAST, x.nspname, x.relname LIMIT @limit
), notes AS (
  SELECT 'This server is a standby: it counts its own scans only. Ask the primary before you drop an index.' AS note
  FROM counters AS h WHERE h.is_standby
  UNION ALL
  SELECT pg_catalog.format('Not in it: indexes of tables whose rows are on other nodes, which count their own scans (%s).', pg_catalog.count(*))
  FROM index AS x WHERE x.is_elsewhere HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT 'The statistics are younger than a week: too young to tell what is not used.'
  FROM counters AS h WHERE h.since > pg_catalog.now() - interval '7 days'
)
SELECT NULL::name AS schema, NULL::name AS table_name, NULL::name AS index_name, NULL::bigint AS scans, NULL::bigint AS byte_estimate,
       NULL::name AS serves_foreign_key, NULL::text AS definition, NULL::timestamptz AS statistics_since, n.note
FROM notes AS n
UNION ALL
(SELECT u.nspname, u.table_name, u.relname, u.scans::bigint,
        (u.pages * pg_catalog.current_setting('block_size')::bigint)::bigint,
        -- Without it, a delete in the table that a foreign key points at reads all of this one.
        (SELECT k.conname
         FROM pg_catalog.pg_constraint AS k
         WHERE k.conrelid = u.table_oid
           AND k.contype = 'f'
           AND (u.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey
         ORDER BY k.conname
         LIMIT 1),
        pg_catalog.pg_get_indexdef(u.oid), h.since, NULL
 FROM unused AS u
 CROSS JOIN counters AS h
 ORDER BY u.pages DESC NULLS LAST, u.nspname, u.relname
 LIMIT @limit)
