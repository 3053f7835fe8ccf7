/*---
title: Long transactions
description: >
  Open and prepared transactions, which hold locks and keep vacuum from removing dead rows, the oldest first.
  Use it when tables bloat or locks don't go away. A caller with a role sees those of this server's own login only, without statements.
params:
  - name: min_seconds
    type: integer
    default: 60
    minimum: 0
    description: Only transactions that are so old.
  - name: limit
    type: integer
    default: 50
    minimum: 1
    maximum: 500
    description: Most transactions.
access: read
trust: owner
omit_null: true
tests:
  - args: {min_seconds: 86400}
    expect: {max_rows: 50}
---*/
SELECT t.kind, t.pid, t.user_name, t.database, t.state,
       CASE WHEN @caller_role IS NULL THEN t.application END AS application,
       (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - t.started))::bigint AS transaction_ms,
       (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - t.changed))::bigint AS state_ms,
       t.xmin_age AS holds_back_transactions,
       CASE WHEN @caller_role IS NULL THEN pg_catalog.left(t.statement, 2000) END AS statement,
       CASE WHEN @caller_role IS NULL THEN t.gid END AS prepared_name
FROM (
  SELECT 'session' AS kind, s.pid, s.usename AS user_name, s.datname AS database, s.state, nullif(s.application_name, '') AS application,
         s.xact_start AS started, s.state_change AS changed,
         greatest(pg_catalog.age(s.backend_xid), pg_catalog.age(s.backend_xmin)) AS xmin_age, s.query AS statement, NULL AS gid
  FROM pg_catalog.pg_stat_activity AS s
  WHERE s.xact_start IS NOT NULL AND s.pid <> pg_catalog.pg_backend_pid()
  UNION ALL
  SELECT 'prepared', NULL, p.owner, p.database, NULL, NULL, p.prepared, NULL, pg_catalog.age(p.transaction), NULL, p.gid
  FROM pg_catalog.pg_prepared_xacts AS p
) AS t
WHERE t.started <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => @min_seconds)
  AND (@caller_role IS NULL OR t.user_name = session_user AND t.database = pg_catalog.current_database())
ORDER BY t.started, t.pid, t.gid
LIMIT @limit
