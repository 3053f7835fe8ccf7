/*---
title: Duplicate indexes
description: >
  Indexes that another index of the same table makes needless: the same columns, or the first columns of a longer btree index; the largest first.
  Use it to find indexes that can be dropped without losing a plan or a constraint.
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
    description: Most pairs.
access: read
trust: owner
omit_null: true
tests:
  - args: {schema: shop, limit: 1}
    expect: {max_rows: 1}
---*/
WITH index AS MATERIALIZED (
  SELECT i.indexrelid, i.indrelid, i.indisunique, i.indnkeyatts, x.relname, x.relam, x.reloptions, n.nspname, t.relname AS table_name,
         -- Not where it was never analysed, nor where Citus keeps the rows on other nodes, by this trigger.
         CASE WHEN x.relkind = 'i' AND t.reltuples >= 0 AND NOT (t.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid = t.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger'))) THEN x.relpages END AS pages,
         -- What protects rows, replication or a constraint stays: the higher number.
         CASE WHEN i.indisprimary THEN 4 WHEN i.indisreplident THEN 3 WHEN k.conindid IS NOT NULL THEN 2 WHEN i.indisunique THEN 1 ELSE 0 END AS worth,
         i.indnatts - i.indnkeyatts AS included,
         i.indkey::smallint[] AS keys, i.indclass::oid[] AS classes, i.indcollation::oid[] AS collations, i.indoption::smallint[] AS options,
         coalesce(i.indexprs::text, '') AS expressions, coalesce(i.indpred::text, '') AS predicate
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  LEFT JOIN (SELECT DISTINCT c.conindid FROM pg_catalog.pg_constraint AS c WHERE c.conindid <> 0) AS k ON k.conindid = i.indexrelid
  WHERE i.indisvalid
    AND NOT i.indisexclusion
    AND NOT x.relispartition
    AND t.relkind IN ('r', 'p', 'm')
    AND t.relpersistence <> 't'
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, t.relname) = ANY (@caller_tables))
), pair AS (
  SELECT a.*, b.indexrelid AS other_oid, b.relname AS other,
         CASE WHEN b.indnkeyatts = a.indnkeyatts AND b.included = a.included THEN 'same columns' ELSE 'first columns' END AS reason
  FROM index AS a
  JOIN index AS b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid AND b.relam = a.relam AND b.predicate = a.predicate
  WHERE CASE
    WHEN b.indnkeyatts = a.indnkeyatts AND b.included = a.included THEN
      a.keys = b.keys AND a.classes = b.classes AND a.collations = b.collations AND a.options = b.options AND a.expressions = b.expressions
      AND a.worth < 2
      AND (a.worth, -a.indexrelid::bigint) < (b.worth, -b.indexrelid::bigint)
    ELSE
      -- The slices begin at 1 on both sides, whatever the bounds of the vectors are.
      a.worth = 0
      AND a.included = 0
      AND a.expressions = ''
      AND a.relam = (SELECT m.oid FROM pg_catalog.pg_am AS m WHERE m.amname = 'btree')
      AND b.indnkeyatts >= a.indnkeyatts
      AND a.keys[0:a.indnkeyatts - 1] = b.keys[0:a.indnkeyatts - 1]
      AND a.classes[0:a.indnkeyatts - 1] = b.classes[0:a.indnkeyatts - 1]
      AND a.collations[0:a.indnkeyatts - 1] = b.collations[0:a.indnkeyatts - 1]
      AND a.options[0:a.indnkeyatts - 1] = b.options[0:a.indnkeyatts - 1]
    END
)
SELECT p.nspname AS schema, p.table_name, p.relname AS index_name, p.reason, p.other AS covered_by,
       p.pages * pg_catalog.current_setting('block_size')::bigint AS byte_estimate,
       pg_catalog.pg_get_indexdef(p.indexrelid) AS definition,
       pg_catalog.pg_get_indexdef(p.other_oid) AS covered_by_definition
FROM pair AS p
ORDER BY p.pages DESC NULLS LAST, p.nspname, p.relname, p.other
LIMIT @limit
