/*---
title: Invalid objects
description: >
  Indexes that a failed CREATE INDEX CONCURRENTLY left, constraints that were never validated, disabled triggers, and materialized views without data.
  Use it after migrations, and when a constraint or an index seems not to work.
params:
  - name: limit
    type: integer
    default: 100
    minimum: 1
    maximum: 500
    description: Most objects.
access: read
trust: owner
omit_null: true
tests:
  - args: {limit: 1}
    expect: {max_rows: 1}
---*/
WITH found AS (
  SELECT 'index' AS kind, i.indrelid AS relation, x.relname AS name,
         CASE WHEN i.indisready THEN 'invalid: no query uses it, but writes maintain it' ELSE 'not ready: neither queries nor writes use it' END AS problem,
         'REINDEX INDEX CONCURRENTLY, or DROP INDEX CONCURRENTLY' AS suggestion
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  WHERE NOT i.indisvalid
  UNION ALL
  SELECT 'constraint', k.conrelid, k.conname, 'not valid: rows that were there before may break it', 'ALTER TABLE ... VALIDATE CONSTRAINT'
  FROM pg_catalog.pg_constraint AS k
  WHERE NOT k.convalidated AND k.conrelid <> 0
    -- PostgreSQL clones a key of, or to, a partitioned table for the partitions: validating the original does for all.
    AND k.conparentid = 0
    -- One that is not enforced (PostgreSQL 18) can't be valid.
    AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)
  UNION ALL
  SELECT 'trigger', g.tgrelid, g.tgname, 'disabled', 'ALTER TABLE ... ENABLE TRIGGER'
  FROM pg_catalog.pg_trigger AS g
  WHERE g.tgenabled = 'D' AND NOT g.tgisinternal
  UNION ALL
  SELECT 'materialized view', c.oid, c.relname, 'has no data: reading it is an error', 'REFRESH MATERIALIZED VIEW'
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind = 'm' AND NOT c.relispopulated
)
SELECT f.kind, n.nspname AS schema,
       CASE WHEN f.kind <> 'materialized view' THEN c.relname END AS table_name,
       f.name, f.problem, f.suggestion
FROM found AS f
JOIN pg_catalog.pg_class AS c ON c.oid = f.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
ORDER BY f.kind, n.nspname, c.relname, f.name
LIMIT @limit
