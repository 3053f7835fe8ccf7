/*---
title: Table statistics
description: >
  Rows, dead rows, sizes, scans, writes, and the last vacuum and analyze of one table or of all tables of a schema.
  Use it to see how large and how busy tables are. Counters run since the statistics were reset; sizes are those of the last vacuum.
params:
  - name: table_name
    type: string
    description: Omit for all tables of the schema.
  - name: schema
    type: string
    description: Omit for the current schema.
access: read
trust: owner
omit_null: true
page: {key: [table_name], size: 50, max: 500}
not_found:
  when: |
    SELECT NOT EXISTS (
      SELECT FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = coalesce(@schema, pg_catalog.current_schema())
        AND (@table_name IS NULL OR c.relname = @table_name)
        AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
        AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
        AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables)))
      AND @table_name IS NOT NULL
  message: There is no table "{table_name}" in that schema. Names are exact, without quotes.
  suggest: |
    SELECT CASE WHEN n.nspname = coalesce(@schema, pg_catalog.current_schema()) THEN c.relname::text
                ELSE pg_catalog.format('%s.%s', n.nspname, c.relname) END
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm')
      AND c.relpersistence <> 't'
      AND n.nspname !~ '^(pg_|information_schema$)'
      AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
      AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
    ORDER BY pg_catalog.strpos(pg_catalog.lower(c.relname::text), pg_catalog.lower(@table_name)) = 0,
             n.nspname <> coalesce(@schema, pg_catalog.current_schema()), n.nspname, c.relname
    LIMIT 1000
tests:
  - args: {schema: shop, table_name: orders}
    expect: {rows: 1, contains: [{table_name: orders}]}
  - args: {schema: shop, table_name: order}
    expect: {error: not_found}
---*/
WITH owner AS (
  SELECT n.nspname, c.oid, c.relname, c.relkind, c.relpages, c.reltuples, c.reltoastrelid
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
  WHERE n.nspname = coalesce(@schema, pg_catalog.current_schema())
    AND (@table_name IS NULL OR c.relname = @table_name)
    AND c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
)
SELECT o.nspname AS schema,
       o.relname AS table_name,
       CASE WHEN o.reltuples >= 0 THEN o.reltuples::bigint END AS row_estimate,
       pg_catalog.pg_stat_get_live_tuples(o.oid) AS live_rows,
       pg_catalog.pg_stat_get_dead_tuples(o.oid) AS dead_rows,
       pg_catalog.pg_stat_get_mod_since_analyze(o.oid) AS rows_changed_since_analyze,
       -- The size on disk itself would wait for the lock of every ALTER TABLE.
       o.relpages * b.size AS table_bytes,
       t.relpages * b.size AS toast_bytes,
       i.pages * b.size AS index_bytes,
       pg_catalog.pg_stat_get_numscans(o.oid) AS seq_scans,
       pg_catalog.pg_stat_get_tuples_returned(o.oid) AS seq_rows_read,
       i.scans AS index_scans,
       pg_catalog.pg_stat_get_tuples_inserted(o.oid) AS inserts,
       pg_catalog.pg_stat_get_tuples_updated(o.oid) AS updates,
       pg_catalog.pg_stat_get_tuples_hot_updated(o.oid) AS hot_updates,
       pg_catalog.pg_stat_get_tuples_deleted(o.oid) AS deletes,
       greatest(pg_catalog.pg_stat_get_last_vacuum_time(o.oid), pg_catalog.pg_stat_get_last_autovacuum_time(o.oid)) AS last_vacuum,
       greatest(pg_catalog.pg_stat_get_last_analyze_time(o.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(o.oid)) AS last_analyze
FROM owner AS o
CROSS JOIN (SELECT pg_catalog.current_setting('block_size')::bigint AS size) AS b
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = o.reltoastrelid
LEFT JOIN LATERAL (
  SELECT pg_catalog.sum(x.relpages)::bigint AS pages, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(x.oid))::bigint AS scans
  FROM pg_catalog.pg_index AS own
  JOIN pg_catalog.pg_class AS x ON x.oid = own.indexrelid
  WHERE own.indrelid = o.oid
) AS i ON true
