/*---
title: Database overview
description: >
  One look at the database: version, uptime, sessions, size, objects, cache hits, rollbacks, deadlocks, and its largest tables.
  Sizes are of the tables that were analysed and are on this server; counters are those of this server since statistics_since.
  Use it first when you check the health of a database; the other tools of this set go into detail.
access: read
result: object
trust: owner
omit_null: true
tests:
  - expect: {contains: {in_recovery: false}}
---*/
WITH relation AS MATERIALIZED (
  SELECT n.nspname, c.relname, c.relkind, c.oid, c.reltuples,
         -- Not known of what was never analysed, nor where Citus keeps the rows on other nodes, by this trigger.
         CASE WHEN c.reltuples >= 0 AND NOT (c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')))
              THEN c.relpages + coalesce(t.relpages, 0) END AS pages
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND n.nspname !~ '^(pg_|information_schema$)'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), index AS MATERIALIZED (
  SELECT i.indrelid, x.relpages
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  WHERE i.indrelid IN (SELECT r.oid FROM relation AS r WHERE r.pages IS NOT NULL OR r.relkind = 'p')
), block AS (
  SELECT pg_catalog.current_setting('block_size')::bigint AS size
)
SELECT d.datname AS database,
       pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())::bigint AS uptime_seconds,
       s.numbackends AS sessions,
       pg_catalog.current_setting('max_connections')::integer AS max_connections,
       r.tables AS table_count, r.views AS view_count, n.indexes AS index_count,
       nullif(r.unknown, 0) AS tables_without_estimate,
       r.pages * b.size AS table_byte_estimate,
       i.pages * b.size AS index_byte_estimate,
       pg_catalog.round(100.0 * s.blks_hit / nullif(s.blks_hit + s.blks_read, 0), 2) AS cache_hit_percent,
       s.xact_commit AS commits,
       s.xact_rollback AS rollbacks,
       s.deadlocks,
       s.conflicts AS recovery_conflicts,
       s.temp_bytes,
       s.checksum_failures,
       -- A crash resets all counters, and sets the second.
       greatest(s.stats_reset, pg_catalog.pg_stat_get_bgwriter_stat_reset_time()) AS statistics_since,
       l.largest AS largest_tables
FROM pg_catalog.pg_database AS d
JOIN pg_catalog.pg_stat_database AS s ON s.datid = d.oid
CROSS JOIN block AS b
CROSS JOIN (
  SELECT pg_catalog.count(*) FILTER (WHERE o.relkind IN ('r', 'p', 'f')) AS tables,
         pg_catalog.count(*) FILTER (WHERE o.relkind IN ('v', 'm')) AS views,
         pg_catalog.count(*) FILTER (WHERE o.relkind IN ('r', 'm') AND o.pages IS NULL) AS unknown,
         coalesce(pg_catalog.sum(o.pages) FILTER (WHERE o.relkind IN ('r', 'm')), 0)::bigint AS pages
  FROM relation AS o
) AS r
CROSS JOIN (SELECT coalesce(pg_catalog.sum(x.relpages), 0)::bigint AS pages FROM index AS x) AS i
CROSS JOIN (
  SELECT pg_catalog.count(*) AS indexes FROM pg_catalog.pg_index AS x WHERE x.indrelid IN (SELECT o.oid FROM relation AS o)
) AS n
CROSS JOIN (
  SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', t.nspname, 'table_name', t.relname,
           'row_estimate', t.reltuples::bigint, 'byte_estimate', t.bytes)
           ORDER BY t.bytes DESC, t.nspname, t.relname) AS largest
  FROM (
    SELECT o.nspname, o.relname, o.reltuples, (o.pages + coalesce(x.pages, 0)) * b.size AS bytes
    FROM relation AS o
    LEFT JOIN (SELECT own.indrelid, pg_catalog.sum(own.relpages)::bigint AS pages FROM index AS own GROUP BY own.indrelid) AS x ON x.indrelid = o.oid
    CROSS JOIN block AS b
    WHERE o.relkind IN ('r', 'm') AND o.pages IS NOT NULL
    ORDER BY bytes DESC, o.nspname, o.relname
    LIMIT 10
  ) AS t
) AS l
WHERE d.datname = pg_catalog.current_database()
