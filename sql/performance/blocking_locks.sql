/*---
title: Blocking locks
description: >
  Who waits for a lock and who holds it, the longest wait first: one row for each pair of sessions, with the lock and both statements.
  Use it when statements hang. A caller with a role sees waits of this server's own login only, without statements.
params:
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
  - expect: {max_rows: 50}
---*/
WITH waiting AS MATERIALIZED (
  SELECT DISTINCT ON (l.pid) l.pid, l.locktype, l.mode, l.relation, l.database, l.waitstart
  FROM pg_catalog.pg_locks AS l
  WHERE NOT l.granted
  ORDER BY l.pid, l.relation
)
SELECT w.pid AS waiting_pid,
       a.usename AS waiting_user,
       (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - w.waitstart))::bigint AS waiting_ms,
       w.locktype AS lock_type,
       w.mode AS lock_mode,
       (SELECT pg_catalog.format('%s.%s', n.nspname, c.relname)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = w.relation
          AND w.database IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
          AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
          AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))) AS table_name,
       b.pid AS blocking_pid,  -- 0 is a prepared transaction
       h.usename AS blocking_user,
       h.state AS blocking_state,
       (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - h.xact_start))::bigint AS blocking_transaction_ms,
       CASE WHEN pg_catalog.cardinality(pg_catalog.pg_blocking_pids(b.pid)) = 0 THEN true END AS blocking_is_first,
       CASE WHEN @caller_role IS NULL THEN pg_catalog.left(a.query, 1000) END AS waiting_statement,
       CASE WHEN @caller_role IS NULL THEN pg_catalog.left(h.query, 1000) END AS blocking_statement
FROM waiting AS w
CROSS JOIN LATERAL (SELECT DISTINCT p.pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS p (pid)) AS b
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = w.pid
LEFT JOIN pg_catalog.pg_stat_activity AS h
  ON h.pid = b.pid AND (@caller_role IS NULL OR h.usename = session_user)
WHERE @caller_role IS NULL OR a.usename = session_user AND a.datname = pg_catalog.current_database()
ORDER BY w.waitstart, w.pid, b.pid
LIMIT @limit
