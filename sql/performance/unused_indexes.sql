/*---
title: Unused indexes
description: >
  Indexes that were scanned at most max_scans times since the statistics were reset, the largest first; those that keep rows unique are left out.
  Use it to find what only costs writes and space. Look at statistics_since, and at standbys that count their own scans, before you drop one.
params:
  - name: max_scans
    type: integer
    default: 0
    minimum: 0
    description: Most scans of an unused index.
  - name: schema
    type: string
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 50
    minimum: 1
    maximum: 500
    description: Most indexes.
access: read
trust: owner
omit_null: true
tests:
  - args: {schema: shop, max_scans: 1000000000, limit: 200}
    expect: {contains: [{index_name: products_tags_idx}]}
---*/
WITH unused AS MATERIALIZED (
  SELECT n.nspname, t.oid AS table_oid, t.relname AS table_name, x.oid, x.relname, i.indkey, i.indnkeyatts, u.scans, u.pages
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
    SELECT pg_catalog.pg_stat_get_numscans(x.oid), x.relpages WHERE x.relkind = 'i'
  ) AS u
  WHERE NOT i.indisunique
    AND NOT i.indisexclusion
    AND NOT i.indisreplident
    AND i.indisvalid
    AND NOT x.relispartition
    AND t.relkind IN ('r', 'p', 'm')
    AND t.relpersistence <> 't'
    AND u.scans <= @max_scans
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, t.relname) = ANY (@caller_tables))
  ORDER BY u.pages DESC, n.nspname, x.relname
  LIMIT @limit
)
SELECT u.nspname AS schema, u.table_name, u.relname AS index_name, u.scans::bigint AS scans,
       (u.pages * pg_catalog.current_setting('block_size')::bigint)::bigint AS byte_estimate,
       -- Without it, a delete in the table that a foreign key points at reads all of this one.
       (SELECT k.conname
        FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = u.table_oid
          AND k.contype = 'f'
          AND (u.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey
        ORDER BY k.conname
        LIMIT 1) AS serves_foreign_key,
       pg_catalog.pg_get_indexdef(u.oid) AS definition,
       pg_catalog.pg_stat_get_db_stat_reset_time(
         (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())) AS statistics_since
FROM unused AS u
ORDER BY u.pages DESC, u.nspname, u.relname
LIMIT @limit
