/*---
title: Foreign keys without an index
description: >
  Foreign keys whose columns no index of their own table begins with, the largest table first, with the index that would help.
  Use it when deletes or updates of referenced rows, or joins along the key, are slow.
params:
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 50
    minimum: 1
    maximum: 500
    description: Most foreign keys.
access: read
trust: owner
omit_null: true
tests:
  - args: {limit: 1}
    expect: {max_rows: 1}
---*/
WITH relation AS NOT MATERIALIZED (
  -- All that the caller may see.
  SELECT c.oid, n.nspname, c.relname, c.relpages,
         -- Not what was never analysed, nor where the rows are in partitions and children, or, by this trigger of Citus, on other nodes.
         CASE WHEN c.reltuples >= 0 AND c.relkind = 'r' AND NOT c.relhassubclass AND NOT (c.relhastriggers AND EXISTS (
                SELECT FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger'))) THEN c.reltuples END AS rows
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), missing AS MATERIALIZED (
  SELECT r.nspname, r.relname, r.rows, r.relpages, k.conname, k.conrelid, v.conkey, f.nspname AS referenced_schema, f.relname AS referenced_table
  FROM pg_catalog.pg_constraint AS k
  -- OFFSET 0 keeps the planner at index look-ups: of few keys, as it may expect them, it would compare each with each table.
  CROSS JOIN LATERAL (SELECT r.* FROM relation AS r WHERE r.oid = k.conrelid OFFSET 0) AS r
  CROSS JOIN LATERAL (SELECT f.* FROM relation AS f WHERE f.oid = k.confrelid OFFSET 0) AS f
  CROSS JOIN LATERAL (
    -- Of a key with a period (PostgreSQL 18) a btree index serves the columns before it. One that is not enforced needs no index.
    SELECT CASE WHEN (pg_catalog.to_jsonb(k) ->> 'conperiod')::boolean THEN pg_catalog.trim_array(k.conkey, 1) ELSE k.conkey END AS conkey,
           coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true) AS is_enforced
    OFFSET 0
  ) AS v
  WHERE k.contype = 'f'
    -- PostgreSQL clones the key of a partitioned table for its partitions.
    AND k.conparentid = 0
    AND v.is_enforced
    AND pg_catalog.cardinality(v.conkey) > 0
    AND CASE WHEN @schema IS NULL THEN r.nspname !~ '^(pg_|information_schema$)' ELSE r.nspname = @schema END
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = k.conrelid
        AND i.indisvalid
        AND i.indpred IS NULL
        AND i.indnkeyatts >= pg_catalog.cardinality(v.conkey)
        AND (i.indkey::smallint[])[0:pg_catalog.cardinality(v.conkey) - 1] @> v.conkey)
  ORDER BY r.relpages DESC, r.nspname, r.relname, k.conname
  LIMIT @limit
)
SELECT m.nspname AS schema, m.relname AS table_name, m.conname AS constraint_name, c.columns,
       m.referenced_schema, m.referenced_table,
       m.rows::bigint AS row_estimate,
       pg_catalog.format('CREATE INDEX ON %I.%I (%s)', m.nspname, m.relname, c.list) AS suggestion
FROM missing AS m
CROSS JOIN LATERAL (
  SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place) AS columns,
         pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place) AS list
  FROM pg_catalog.unnest(m.conkey) WITH ORDINALITY AS p (attnum, place)
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = m.conrelid AND a.attnum = p.attnum
) AS c
ORDER BY m.relpages DESC, m.nspname, m.relname, m.conname
LIMIT @limit
