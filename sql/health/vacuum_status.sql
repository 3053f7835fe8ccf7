/*---
title: Vacuum status
description: >
  Tables by dead rows, with the number at which autovacuum starts, the last vacuum and analyze, and whether one runs now.
  Use it when tables grow without new rows, or plans go wrong because statistics are old. Read the notes: what other servers count is not in it.
params:
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
  - args: {schema: shop}
    expect: {contains: [{table_name: orders}]}
---*/
WITH candidate AS MATERIALIZED (
  SELECT n.nspname, c.relname, c.oid, c.reltuples, c.reloptions,
         -- Citus keeps the rows of a table that has this trigger on other nodes.
         c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
           WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere,
         pg_catalog.pg_stat_get_live_tuples(c.oid) AS live, pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), relation AS MATERIALIZED (
  SELECT c.* FROM candidate AS c WHERE NOT c.is_elsewhere AND NOT (SELECT h.is_standby FROM counters AS h)
  ORDER BY c.dead DESC, c.nspname, c.relname
  LIMIT @limit
), notes AS (
  SELECT 'This server is a standby: dead rows, vacuum and analyze are counted on the primary. Ask there.' AS note FROM counters AS h WHERE h.is_standby
  UNION ALL
  SELECT pg_catalog.format('Not in it: tables whose rows are on other nodes, where they are vacuumed (%s).', pg_catalog.count(*))
  FROM candidate AS c WHERE c.is_elsewhere HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT pg_catalog.format('The counters run since %s: dead rows and changes from before are not in them.', pg_catalog.to_char(h.since, 'YYYY-MM-DD HH24:MI TZ'))
  FROM counters AS h WHERE h.since > pg_catalog.now() - interval '1 day' AND NOT h.is_standby
)
SELECT NULL::name AS schema, NULL::name AS table_name, NULL::bigint AS live_rows, NULL::bigint AS dead_rows, NULL::numeric AS dead_percent,
       NULL::bigint AS autovacuum_starts_at, NULL::boolean AS is_overdue, NULL::boolean AS autovacuum_is_off,
       NULL::bigint AS rows_changed_since_analyze, NULL::timestamptz AS last_vacuum, NULL::timestamptz AS last_analyze,
       NULL::text AS running_phase, n.note
FROM notes AS n
UNION ALL
(SELECT r.nspname AS schema, r.relname AS table_name,
        r.live AS live_rows,
        r.dead AS dead_rows,
        pg_catalog.round(100.0 * r.dead / nullif(r.live + r.dead, 0), 1) AS dead_percent,
        o.starts_at AS autovacuum_starts_at,
        CASE WHEN r.dead > o.starts_at THEN true END AS is_overdue,
        CASE WHEN NOT o.enabled THEN true END AS autovacuum_is_off,
        pg_catalog.pg_stat_get_mod_since_analyze(r.oid) AS rows_changed_since_analyze,
        greatest(pg_catalog.pg_stat_get_last_vacuum_time(r.oid), pg_catalog.pg_stat_get_last_autovacuum_time(r.oid)) AS last_vacuum,
        greatest(pg_catalog.pg_stat_get_last_analyze_time(r.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(r.oid)) AS last_analyze,
        (SELECT p.phase FROM pg_catalog.pg_stat_progress_vacuum AS p
         WHERE p.relid = r.oid AND p.datname = pg_catalog.current_database() ORDER BY p.pid LIMIT 1) AS running_phase, NULL
 FROM relation AS r
 CROSS JOIN LATERAL (
   -- PostgreSQL 18 has a cap; a table may have values of its own.
   SELECT least(coalesce(pg_catalog.max(s.option_value) FILTER (WHERE s.option_name = 'autovacuum_vacuum_threshold'),
                         pg_catalog.current_setting('autovacuum_vacuum_threshold'))::float8
                + coalesce(pg_catalog.max(s.option_value) FILTER (WHERE s.option_name = 'autovacuum_vacuum_scale_factor'),
                           pg_catalog.current_setting('autovacuum_vacuum_scale_factor'))::float8 * greatest(r.reltuples, 0),
                nullif(coalesce(pg_catalog.max(s.option_value) FILTER (WHERE s.option_name = 'autovacuum_vacuum_max_threshold'),
                                pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true))::float8, -1))::bigint AS starts_at,
          pg_catalog.current_setting('autovacuum')::boolean
          AND coalesce(pg_catalog.bool_and(s.option_value::boolean) FILTER (WHERE s.option_name = 'autovacuum_enabled'), true) AS enabled
   FROM pg_catalog.pg_options_to_table(r.reloptions) AS s
 ) AS o
 ORDER BY r.dead DESC, r.nspname, r.relname
 LIMIT @limit)
