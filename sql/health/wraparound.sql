/*---
title: Transaction id wraparound
description: >
  Age of the oldest transaction ids of each database and of the oldest tables here, against the age at which autovacuum forces itself
  and the one at which PostgreSQL refuses to write. Use it when the log warns of wraparound or vacuum can't keep up.
params:
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 200
    description: Most tables.
access: read
trust: owner
omit_null: true
limits: {rows: 1000}
tests:
  - args: {limit: 1}
    expect: {contains: [{kind: database}, {kind: table}]}
---*/
WITH aged AS (
  SELECT 'database' AS kind, NULL::name AS schema, d.datname AS name,
         pg_catalog.age(d.datfrozenxid) AS xid_age, pg_catalog.mxid_age(d.datminmxid) AS multixact_age
  FROM pg_catalog.pg_database AS d
  WHERE @caller_role IS NULL OR d.datname = pg_catalog.current_database()
  UNION ALL
  (SELECT 'table', n.nspname, c.relname,
          greatest(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid)) AS xid_age,
          greatest(pg_catalog.mxid_age(c.relminmxid), pg_catalog.mxid_age(t.relminmxid))
   FROM pg_catalog.pg_class AS c
   JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
   WHERE c.relkind IN ('r', 'm')
     AND c.relpersistence <> 't'
     AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
     AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
   ORDER BY xid_age DESC, n.nspname, c.relname
   LIMIT @limit)
)
SELECT a.kind, a.schema, a.name, a.xid_age, a.multixact_age,
       pg_catalog.round(100.0 * greatest(a.xid_age::numeric / pg_catalog.current_setting('autovacuum_freeze_max_age')::numeric,
         a.multixact_age::numeric / pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::numeric), 1) AS percent_to_forced_vacuum,
       -- PostgreSQL stops three million before 2^31.
       pg_catalog.round(100.0 * greatest(a.xid_age, a.multixact_age) / 2144483648, 2) AS percent_to_shutdown
FROM aged AS a
ORDER BY a.kind, greatest(a.xid_age, a.multixact_age) DESC, a.schema, a.name
