/*---
title: Bloat estimate
description: >
  How much of the largest tables is likely dead or free space, by the statistics of ANALYZE: an estimate that costs no scan, good to some 20 percent.
  Tables whose rows are on other nodes (Citus) are left out.
  Use it to see which tables to VACUUM or rewrite; analyze them first if they have no estimate.
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
access: read
trust: owner
omit_null: true
tests:
  - args: {schema: shop}
    expect: {contains: [{table_name: orders}]}
---*/
WITH relation AS MATERIALIZED (
  SELECT n.nspname, c.relname, c.oid, c.relpages, c.reltuples, b.size,
         coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'fillfactor'), '100')::integer AS fill
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN (SELECT pg_catalog.current_setting('block_size')::bigint AS size) AS b
  WHERE c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND c.relpages > 0
    -- Citus keeps the rows of a table that has this trigger on other nodes.
    AND NOT (c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
      WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')))
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
  -- Of these the most bloated are shown.
  ORDER BY c.relpages DESC, n.nspname, c.relname
  LIMIT 500
), width AS (
  -- Statistics of columns that this login may not read are not visible: without them there is no estimate.
  SELECT r.oid, pg_catalog.count(*) AS columns, pg_catalog.count(s.attname) AS known,
         pg_catalog.sum((1 - s.null_frac) * s.avg_width) AS data, pg_catalog.bool_or(s.null_frac > 0) AS has_nulls
  FROM relation AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_stats AS s
    ON s.schemaname = r.nspname AND s.tablename = r.relname AND s.attname = a.attname AND NOT s.inherited
  GROUP BY r.oid
), estimate AS (
  SELECT r.*,
         CASE WHEN w.known = w.columns AND r.reltuples >= 0 THEN
           -- A row is its header of 23 bytes, a bitmap if there are NULLs, the data, all in steps of 8 bytes, and 4 bytes of the page.
           pg_catalog.ceil(r.reltuples * (
             8 * pg_catalog.ceil((23 + CASE WHEN w.has_nulls THEN (w.columns + 7) / 8 ELSE 0 END) / 8.0)
             + 8 * pg_catalog.ceil(w.data / 8.0) + 4) / ((r.size - 24) * r.fill / 100.0)) END AS needed
  FROM relation AS r
  LEFT JOIN width AS w ON w.oid = r.oid
)
SELECT e.nspname AS schema, e.relname AS table_name,
       e.relpages * e.size AS byte_estimate,
       greatest(e.relpages - e.needed, 0)::bigint * e.size AS wasted_bytes,
       pg_catalog.round((100 * greatest(e.relpages - e.needed, 0) / e.relpages)::numeric, 1) AS wasted_percent,
       CASE WHEN e.reltuples >= 0 THEN e.reltuples::bigint END AS row_estimate,
       -- A standby counts none.
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_stat_get_dead_tuples(e.oid) END AS dead_rows,
       greatest(pg_catalog.pg_stat_get_last_analyze_time(e.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(e.oid)) AS last_analyze,
       CASE WHEN e.needed IS NULL THEN 'no statistics that this login may read: ANALYZE, or ask as the owner' END AS no_estimate
FROM estimate AS e
ORDER BY greatest(e.relpages - e.needed, 0) DESC NULLS LAST, e.relpages DESC, e.nspname, e.relname
LIMIT @limit
