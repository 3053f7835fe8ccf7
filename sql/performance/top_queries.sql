/*---
title: Top queries
description: >
  The statements of this database that cost most on this server since pg_stat_statements was reset, with calls, times, rows and blocks.
  Use it to find what to tune. A caller with a role sees numbers without the text of the statements.
params:
  - name: order_by
    type: string
    enum: [total_ms, mean_ms, calls, rows, blocks_read, temp_blocks]
    default: total_ms
    description: The largest first.
  - name: min_calls
    type: integer
    default: 1
    minimum: 1
    description: Only statements that were called so often.
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 200
    description: Most statements.
access: read
trust: owner
omit_null: true
requires: {extension: pg_stat_statements}
tests:
  - args: {order_by: calls, limit: 1}
    expect: {max_rows: 1}
  - args: {order_by: cost}
    expect: {error: invalid_arguments}
---*/
WITH place AS (
  -- The extension may be in any schema, on the search path or not. Nothing else may take the place of its views.
  SELECT pg_catalog.max(pg_catalog.format('%I.%I', n.nspname, c.relname)) FILTER (WHERE c.relname = 'pg_stat_statements') AS statements,
         pg_catalog.max(pg_catalog.format('%I.%I', n.nspname, c.relname)) FILTER (WHERE c.relname = 'pg_stat_statements_info') AS info
  FROM pg_catalog.pg_extension AS e
  JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid AND d.deptype = 'e'
  JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE e.extname = 'pg_stat_statements'
), answer AS MATERIALIZED (
  -- query_to_xml reads a view that is found here. What it gives is one text of JSON, in which XML has escaped three characters.
  SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
           pg_catalog.substring(x.text, '<j>(.*)</j>'), '&lt;', '<'), '&gt;', '>'), '&amp;', '&')::jsonb AS entries
  FROM place AS p
  CROSS JOIN LATERAL (
    SELECT pg_catalog.query_to_xml(pg_catalog.format(
             'SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object(%L, pg_catalog.left(s.query, 2000), %L, %s)) AS j '
             'FROM %s AS s WHERE s.calls >= %s AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())',
             'query', 'since', coalesce('(SELECT i.stats_reset FROM ' || p.info || ' AS i)', 'NULL::timestamptz'), p.statements, @min_calls),
           true, true, '')::text AS text
    WHERE p.statements IS NOT NULL
  ) AS x
), entry AS (
  -- Versions differ in their columns, so they are looked up by name.
  SELECT s.userid, s.queryid, s.calls, s.rows, s.shared_blks_hit, s.shared_blks_read, s.temp_blks_read + s.temp_blks_written AS temp_blocks,
         s.query, s.since, e.other
  FROM answer AS a
  CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(a.entries) AS e (other)
  CROSS JOIN LATERAL pg_catalog.jsonb_to_record(e.other) AS s (userid oid, queryid bigint, calls bigint, rows bigint, shared_blks_hit bigint,
    shared_blks_read bigint, temp_blks_read bigint, temp_blks_written bigint, query text, since timestamptz)
), measured AS (
  SELECT e.*, t.total_ms, t.total_ms / e.calls AS mean_ms,
         coalesce(e.other ->> 'max_exec_time', e.other ->> 'max_time')::float8 AS max_ms,
         coalesce((e.other ->> 'shared_blk_read_time')::float8, (e.other ->> 'blk_read_time')::float8) AS read_ms,
         (e.other ->> 'toplevel')::boolean AS toplevel
  FROM entry AS e
  CROSS JOIN LATERAL (SELECT coalesce(e.other ->> 'total_exec_time', e.other ->> 'total_time')::float8 AS total_ms) AS t
)
SELECT m.queryid AS query_id,
       pg_catalog.pg_get_userbyid(m.userid) AS user_name,
       m.calls,
       pg_catalog.round(m.total_ms::numeric, 1) AS total_ms,
       pg_catalog.round(m.mean_ms::numeric, 3) AS mean_ms,
       pg_catalog.round(m.max_ms::numeric, 1) AS max_ms,
       pg_catalog.round((100 * m.total_ms / nullif(pg_catalog.sum(m.total_ms) OVER (), 0))::numeric, 1) AS percent_of_time,
       m.rows,
       m.shared_blks_hit AS blocks_hit,
       m.shared_blks_read AS blocks_read,
       nullif(m.temp_blocks, 0) AS temp_blocks,
       pg_catalog.round(nullif(m.read_ms, 0)::numeric, 1) AS read_ms,
       CASE WHEN NOT m.toplevel THEN true END AS inside_function,
       CASE WHEN @caller_role IS NULL THEN m.query END AS statement,
       CASE WHEN m.since > pg_catalog.now() - interval '7 days' THEN m.since END AS statistics_since
FROM measured AS m
ORDER BY CASE @order_by WHEN 'mean_ms' THEN m.mean_ms WHEN 'calls' THEN m.calls WHEN 'rows' THEN m.rows
                        WHEN 'blocks_read' THEN m.shared_blks_read WHEN 'temp_blocks' THEN m.temp_blocks ELSE m.total_ms END DESC,
         m.queryid, m.userid, m.toplevel
LIMIT @limit
