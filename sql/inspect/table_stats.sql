/*---
title: Table statistics
description: >
  Rows, dead rows, sizes, scans, writes, and the last vacuum and analyze of one table or of all tables of a schema; those of a parent
  are the sums of its parts. Use it to see how large and how busy tables are. Counters run since the statistics were reset; sizes are
  those of the last vacuum; what is left out is not known.
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
page: {key: [table_name], size: 50, max: 500}
tests:
  - args: {schema: shop, table_name: orders}
    expect: {rows: 1, contains: [{table_name: orders}]}
  - args: {schema: shop, table_name: order}
    expect: {error: not_found}
---*/
WITH RECURSIVE owner AS (
  SELECT n.nspname, c.oid, c.relname, c.relkind, c.relhassubclass, c.relhastriggers
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
    AND c.relkind IN ('r', 'p', 'm', 'f')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), part AS (
  SELECT o.oid AS owner, o.oid FROM owner AS o
  UNION
  SELECT p.owner, i.inhrelid FROM part AS p JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
), here AS MATERIALIZED (
  SELECT pg_catalog.current_setting('block_size')::bigint AS size, c.* FROM counters AS c
), total AS (
  SELECT p.owner, pg_catalog.count(*) AS parts,
         pg_catalog.count(*) FILTER (WHERE c.reltuples < 0) AS unknown,
         pg_catalog.sum(c.reltuples::bigint) FILTER (WHERE c.reltuples >= 0)::bigint AS row_estimate,
         -- Writes and vacuum are counted where they happen: a standby knows nothing of them.
         pg_catalog.sum(pg_catalog.pg_stat_get_live_tuples(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS live_rows,
         pg_catalog.sum(pg_catalog.pg_stat_get_dead_tuples(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS dead_rows,
         pg_catalog.sum(pg_catalog.pg_stat_get_mod_since_analyze(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS rows_changed_since_analyze,
         -- The size on disk itself would wait for the lock of every ALTER TABLE.
         pg_catalog.sum(c.relpages * h.size) FILTER (WHERE c.reltuples >= 0)::bigint AS table_bytes,
         pg_catalog.sum(t.relpages * h.size) FILTER (WHERE t.reltuples >= 0)::bigint AS toast_bytes,
         pg_catalog.sum(i.pages * h.size) FILTER (WHERE c.reltuples >= 0)::bigint AS index_bytes,
         pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid))::bigint AS seq_scans,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_returned(c.oid))::bigint AS seq_rows_read,
         pg_catalog.sum(i.scans)::bigint AS index_scans,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS inserts,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_updated(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS updates,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_hot_updated(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS hot_updates,
         pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(c.oid)) FILTER (WHERE NOT h.is_standby)::bigint AS deletes,
         pg_catalog.max(greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid), pg_catalog.pg_stat_get_last_autovacuum_time(c.oid))) AS last_vacuum,
         pg_catalog.max(greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid))) AS last_analyze
  FROM part AS p
  CROSS JOIN here AS h
  CROSS JOIN LATERAL (
    SELECT c.oid, c.reltuples, c.relpages, c.reltoastrelid
    FROM pg_catalog.pg_class AS c WHERE c.oid = p.oid AND c.relkind IN ('r', 'm', 'f') OFFSET 0
  ) AS c
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
  LEFT JOIN LATERAL (
    SELECT pg_catalog.sum(x.relpages)::bigint AS pages, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(x.oid))::bigint AS scans
    FROM pg_catalog.pg_index AS own
    JOIN pg_catalog.pg_class AS x ON x.oid = own.indexrelid
    WHERE own.indrelid = c.oid
  ) AS i ON true
  GROUP BY p.owner
)
SELECT o.nspname AS schema,
       o.relname AS table_name,
       CASE WHEN o.relkind = 'f' THEN 'A foreign table: its rows are on another server, which counts there.'
            WHEN e.is_elsewhere THEN 'The rows are on other nodes, which count there.'
            ELSE nullif(pg_catalog.concat_ws(' ',
              CASE WHEN o.relkind = 'p' OR t.parts > 1 THEN pg_catalog.format('Sums of %s parts%s.', t.parts,
                CASE WHEN t.unknown > 0 THEN pg_catalog.format(', of which %s were never analysed', t.unknown) ELSE '' END) END,
              CASE WHEN h.is_standby THEN 'A standby: scans are its own, writes and vacuum are counted on the primary.' END), '') END AS note,
       t.row_estimate, t.live_rows, t.dead_rows, t.rows_changed_since_analyze, t.table_bytes, t.toast_bytes, t.index_bytes,
       t.seq_scans, t.seq_rows_read, t.index_scans, t.inserts, t.updates, t.hot_updates, t.deletes, t.last_vacuum, t.last_analyze,
       CASE WHEN t.owner IS NOT NULL AND h.since > pg_catalog.now() - interval '7 days' THEN h.since END AS statistics_since
FROM owner AS o
CROSS JOIN here AS h
CROSS JOIN LATERAL (
  -- Citus keeps the rows of a table that has this trigger on other nodes.
  SELECT o.relkind = 'f' OR o.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
           WHERE g.tgrelid = o.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
  OFFSET 0
) AS e
LEFT JOIN total AS t ON t.owner = o.oid AND NOT e.is_elsewhere
