/*---
title: Cache hits
description: >
  Share of blocks found in PostgreSQL's own cache, for the tables that were read from outside of it most, with their indexes.
  Use it to see what does not fit into shared_buffers; a block that PostgreSQL reads may still come from the cache of the system.
  It counts what this server reads since statistics_since; tables whose rows are on other nodes (Citus) are left out.
params:
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
tests:
  - args: {limit: 1}
    expect: {max_rows: 1}
---*/
WITH relation AS (
  SELECT n.nspname, c.relname, c.oid, CASE WHEN c.reltuples >= 0 THEN c.relpages END AS relpages,
         pg_catalog.pg_stat_get_blocks_fetched(c.oid) AS fetched, pg_catalog.pg_stat_get_blocks_hit(c.oid) AS hit
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND n.nspname !~ '^(pg_|information_schema$)'
    -- Citus keeps the rows of a table that has this trigger on other nodes.
    AND NOT (c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
      WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')))
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), counted AS (
  SELECT r.*, i.fetched AS index_fetched, i.hit AS index_hit
  FROM relation AS r
  CROSS JOIN LATERAL (
    SELECT pg_catalog.sum(pg_catalog.pg_stat_get_blocks_fetched(x.indexrelid))::bigint AS fetched,
           pg_catalog.sum(pg_catalog.pg_stat_get_blocks_hit(x.indexrelid))::bigint AS hit
    FROM pg_catalog.pg_index AS x
    WHERE x.indrelid = r.oid
    OFFSET 0
  ) AS i
)
SELECT c.nspname AS schema, c.relname AS table_name,
       c.fetched - c.hit AS table_blocks_read,
       c.hit AS table_blocks_hit,
       pg_catalog.round(100.0 * c.hit / nullif(c.fetched, 0), 2) AS table_hit_percent,
       c.index_fetched - c.index_hit AS index_blocks_read,
       c.index_hit AS index_blocks_hit,
       pg_catalog.round(100.0 * c.index_hit / nullif(c.index_fetched, 0), 2) AS index_hit_percent,
       c.relpages * pg_catalog.current_setting('block_size')::bigint AS byte_estimate,
       w.since AS statistics_since
FROM counted AS c
CROSS JOIN counters AS w
WHERE c.fetched > 0 OR c.index_fetched > 0
ORDER BY c.fetched - c.hit + coalesce(c.index_fetched - c.index_hit, 0) DESC, c.nspname, c.relname
LIMIT @limit
