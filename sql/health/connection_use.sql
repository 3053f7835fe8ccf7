/*---
title: Use of connections
description: >
  Sessions against max_connections, by state and by who holds them, with the age of the oldest idle one in a transaction.
  Use it when clients can't connect, or to size a pool. A caller with a role sees the numbers without who holds them.
access: read
result: object
trust: owner
omit_null: true
tests:
  - expect: {contains: {by_state: {active: 1}}}
---*/
WITH session AS MATERIALIZED (
  -- A login without rights sees whose the sessions of others are, but not their state.
  SELECT s.usename, s.datname, s.application_name, coalesce(s.state, 'not visible') AS state, s.state_change
  FROM pg_catalog.pg_stat_activity AS s
  WHERE s.backend_type = 'client backend' OR s.backend_type IS NULL AND s.datid IS NOT NULL AND s.usesysid IS NOT NULL
), setting AS (
  SELECT pg_catalog.current_setting('max_connections')::integer AS most,
         pg_catalog.current_setting('superuser_reserved_connections')::integer
         + coalesce(pg_catalog.current_setting('reserved_connections', true)::integer, 0) AS reserved
)
SELECT c.most AS max_connections,
       c.reserved,
       u.sessions,
       greatest(c.most - c.reserved - u.sessions, 0) AS free,
       pg_catalog.round(100.0 * u.sessions / c.most, 1) AS used_percent,
       u.waiting_ms AS oldest_idle_in_transaction_ms,
       (SELECT pg_catalog.json_object_agg(t.state, t.sessions ORDER BY t.sessions DESC, t.state)
        FROM (SELECT s.state, pg_catalog.count(*) AS sessions FROM session AS s GROUP BY s.state) AS t) AS by_state,
       CASE WHEN @caller_role IS NULL THEN (
         SELECT pg_catalog.json_agg(t ORDER BY t.sessions DESC, t.user_name, t.database, t.application)
         FROM (
           SELECT s.usename AS user_name, s.datname AS database, s.application_name AS application, pg_catalog.count(*) AS sessions,
                  pg_catalog.count(*) FILTER (WHERE s.state LIKE 'idle%') AS idle
           FROM session AS s
           GROUP BY s.usename, s.datname, s.application_name
           ORDER BY pg_catalog.count(*) DESC, s.usename, s.datname, s.application_name
           LIMIT 30
         ) AS t) END AS by_client
FROM setting AS c
CROSS JOIN (
  SELECT pg_catalog.count(*) AS sessions,
         (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp()
            - pg_catalog.min(s.state_change) FILTER (WHERE s.state LIKE 'idle in transaction%')))::bigint AS waiting_ms
  FROM session AS s
) AS u
