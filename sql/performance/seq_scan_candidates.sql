/*---
title: Tables read from end to end
description: >
  Tables that sequential scans read most rows of, since the statistics were reset. Use it to find where an index may be missing;
  active_queries and top_queries tell which statements do it.
params:
  - name: min_bytes
    type: integer
    default: 1048576
    minimum: 0
    description: Only tables that are so large; small ones are best read as a whole.
  - name: schema
    type: string
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 200
    description: Most tables.
access: read
trust: owner
omit_null: true
tests:
  - args: {min_bytes: 0, schema: shop}
    expect: {max_rows: 20}
---*/
SELECT n.nspname AS schema, c.relname AS table_name, s.seq_scans, s.seq_rows_read,
       s.seq_rows_read / s.seq_scans AS rows_per_scan,
       (SELECT coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)), 0)::bigint
        FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid) AS index_scans,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS row_estimate,
       c.relpages * pg_catalog.current_setting('block_size')::bigint AS byte_estimate
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT pg_catalog.pg_stat_get_numscans(c.oid) AS seq_scans, pg_catalog.pg_stat_get_tuples_returned(c.oid) AS seq_rows_read
) AS s
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND c.relpages * pg_catalog.current_setting('block_size')::bigint >= @min_bytes
  AND s.seq_scans > 0
  AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
ORDER BY s.seq_rows_read DESC, n.nspname, c.relname
LIMIT @limit
