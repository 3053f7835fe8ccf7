/*---
title: Active queries
description: >
  What the sessions of the server do right now, the longest running first: state, wait, age and statement.
  Use it when the database is slow or stuck. A caller with a role sees the sessions of this server's own login only, without statements.
params:
  - name: min_ms
    type: integer
    default: 0
    minimum: 0
    description: Only statements that have run for so long.
  - name: include_idle
    type: boolean
    default: false
    description: Also sessions that do nothing; their statement is the last one.
  - name: limit
    type: integer
    default: 50
    minimum: 1
    maximum: 500
    description: Most sessions.
access: read
trust: owner
omit_null: true
tests:
  - args: {include_idle: true, limit: 1}
    expect: {max_rows: 1}
  - args: {min_ms: -1}
    expect: {error: invalid_arguments}
---*/
SELECT s.pid,
       s.usename AS user_name,
       s.datname AS database,
       -- A name, an address and a statement may hold what belongs to others.
       CASE WHEN @caller_role IS NULL THEN nullif(s.application_name, '') END AS application,
       CASE WHEN @caller_role IS NULL THEN pg_catalog.host(s.client_addr) END AS client_address,
       s.state,
       s.wait_event_type,
       s.wait_event,
       (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - s.xact_start))::bigint AS transaction_ms,
       q.ms AS statement_ms,
       CASE WHEN s.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(s.pid) END AS blocked_by,
       CASE WHEN @caller_role IS NULL THEN pg_catalog.left(s.query, 2000) END AS statement
FROM pg_catalog.pg_stat_activity AS s
CROSS JOIN LATERAL (
  -- The age of what runs, or the time since it ended.
  SELECT (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp()
          - CASE WHEN s.state = 'active' THEN s.query_start ELSE s.state_change END))::bigint AS ms
) AS q
WHERE s.pid <> pg_catalog.pg_backend_pid()
  AND (s.backend_type = 'client backend' OR s.backend_type IS NULL AND s.datid IS NOT NULL)
  AND (@include_idle OR s.state <> 'idle')
  AND (@min_ms = 0 OR q.ms >= @min_ms)
  AND (@caller_role IS NULL OR s.usename = session_user AND s.datname = pg_catalog.current_database())
ORDER BY q.ms DESC NULLS LAST, s.pid
LIMIT @limit
