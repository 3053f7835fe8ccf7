/*---
title: Tables read from end to end
description: >
  Tables that sequential scans read most rows of, since the statistics were reset. Use it to find where an index may be missing;
  active_queries and top_queries tell which statements do it. Read the notes: scans on other servers are not in it.
params:
  - name: min_bytes
    type: integer
    default: 1048576
    minimum: 0
    description: Only tables that are so large; small ones are best read as a whole.
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 200
    description: Most tables.
use: [counters]
access: read
trust: owner
omit_null: true
limits: {rows: 210}
tests:
  - args: {min_bytes: 0, schema: shop}
    expect: {max_rows: 20}
---*/
WITH relation AS MATERIALIZED (
  SELECT n.nspname, c.relname, c.oid, c.reltuples, c.relpages * pg_catalog.current_setting('block_size')::bigint AS bytes, s.*, e.is_elsewhere
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_stat_get_numscans(c.oid) AS seq_scans, pg_catalog.pg_stat_get_tuples_returned(c.oid) AS seq_rows_read
  ) AS s
  CROSS JOIN LATERAL (
    -- Citus keeps the rows of a table that has this trigger on other nodes, and counts there.
    SELECT c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
             WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
    OFFSET 0
  ) AS e
  WHERE c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), notes AS (
  SELECT 'This server is a standby: it counts its own scans only. Ask the primary, too.' AS note FROM counters AS h WHERE h.is_standby
  UNION ALL
  SELECT pg_catalog.format('Not in it: tables whose rows are on other nodes, which count their own scans (%s).', pg_catalog.count(*))
  FROM relation AS r WHERE r.is_elsewhere HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT pg_catalog.format('Not in it: tables that were never analysed, whose size is not known (%s).', pg_catalog.count(*))
  FROM relation AS r WHERE r.reltuples < 0 AND r.seq_scans > 0 AND @min_bytes > 0 AND NOT r.is_elsewhere HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT 'The statistics are younger than a week: what runs rarely is not in them.' FROM counters AS h WHERE h.since > pg_catalog.now() - interval '7 days'
)
SELECT NULL::name AS schema, NULL::name AS table_name, NULL::bigint AS seq_scans, NULL::bigint AS seq_rows_read, NULL::bigint AS rows_per_scan,
       NULL::bigint AS index_scans, NULL::bigint AS row_estimate, NULL::bigint AS byte_estimate, NULL::timestamptz AS statistics_since, n.note
FROM notes AS n
UNION ALL
(SELECT r.nspname, r.relname, r.seq_scans, r.seq_rows_read, r.seq_rows_read / r.seq_scans,
        (SELECT coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)), 0)::bigint
         FROM pg_catalog.pg_index AS i WHERE i.indrelid = r.oid),
        CASE WHEN r.reltuples >= 0 THEN r.reltuples::bigint END,
        CASE WHEN r.reltuples >= 0 THEN r.bytes END, h.since, NULL
 FROM relation AS r
 CROSS JOIN counters AS h
 WHERE r.seq_scans > 0 AND r.bytes >= @min_bytes AND NOT r.is_elsewhere
 ORDER BY r.seq_rows_read DESC, r.nspname, r.relname
 LIMIT @limit)
