/*---
title: Replication
description: >
  Whether this server is a primary or a standby, how far its standbys and subscribers are behind, and how much WAL its slots hold back.
  Use it when a standby lags or the disk fills with WAL. A caller with a role sees numbers without names and addresses.
access: read
result: object
trust: owner
omit_null: true
tests:
  - expect: {contains: {role: primary}}
---*/
WITH here AS (
  SELECT r.standby,
         CASE WHEN r.standby THEN coalesce(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
              ELSE pg_catalog.pg_current_wal_lsn() END AS lsn
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS r
), sender AS (
  SELECT s.application_name, pg_catalog.host(s.client_addr) AS client_address, s.state, s.sync_state,
         pg_catalog.pg_wal_lsn_diff(h.lsn, s.replay_lsn)::bigint AS behind_bytes,
         (1000 * EXTRACT(epoch FROM s.replay_lag))::bigint AS replay_lag_ms, s.pid
  FROM pg_catalog.pg_stat_replication AS s
  CROSS JOIN here AS h
), slot AS (
  SELECT s.slot_name, s.slot_type, s.database, s.active, s.wal_status,
         pg_catalog.pg_wal_lsn_diff(h.lsn, s.restart_lsn)::bigint AS retained_bytes,
         greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) AS holds_back_transactions
  FROM pg_catalog.pg_replication_slots AS s
  CROSS JOIN here AS h
)
SELECT CASE WHEN h.standby THEN 'standby' ELSE 'primary' END AS role,
       pg_catalog.current_setting('wal_level') AS wal_level,
       nullif(pg_catalog.current_setting('synchronous_standby_names'), '') IS NOT NULL AS is_synchronous,
       t.standbys AS standby_count,
       t.behind AS most_behind_bytes,
       t.lag AS most_replay_lag_ms,
       o.slots AS slot_count,
       o.idle AS inactive_slot_count,
       o.retained AS most_retained_bytes,
       CASE WHEN h.standby THEN pg_catalog.pg_wal_lsn_diff(h.lsn, pg_catalog.pg_last_wal_replay_lsn())::bigint END AS not_yet_replayed_bytes,
       -- Of a standby that has replayed all, the age of the last transaction says nothing.
       CASE WHEN h.standby THEN CASE WHEN h.lsn = pg_catalog.pg_last_wal_replay_lsn() THEN 0
            ELSE (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()))::bigint END END AS replay_delay_ms,
       CASE WHEN h.standby THEN pg_catalog.pg_is_wal_replay_paused() END AS replay_is_paused,
       CASE WHEN @caller_role IS NULL THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('application', s.application_name, 'client_address', s.client_address,
                  'state', s.state, 'sync_state', s.sync_state, 'behind_bytes', s.behind_bytes, 'replay_lag_ms', s.replay_lag_ms)
                  ORDER BY s.application_name, s.pid)
         FROM (SELECT * FROM sender ORDER BY application_name, pid LIMIT 100) AS s) END AS standbys,
       CASE WHEN @caller_role IS NULL THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('slot_name', s.slot_name, 'type', s.slot_type, 'database', s.database,
                  'active', s.active, 'wal_status', s.wal_status, 'retained_bytes', s.retained_bytes,
                  'holds_back_transactions', s.holds_back_transactions) ORDER BY s.slot_name)
         FROM (SELECT * FROM slot ORDER BY slot_name LIMIT 100) AS s) END AS slots,
       CASE WHEN @caller_role IS NULL THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('subscription', s.subname, 'received_lsn', s.received_lsn,
                  'last_message_at', s.last_msg_receipt_time) ORDER BY s.subname, s.pid)
         FROM (SELECT * FROM pg_catalog.pg_stat_subscription WHERE relid IS NULL ORDER BY subname, pid LIMIT 100) AS s) END AS subscriptions
FROM here AS h
CROSS JOIN (
  SELECT pg_catalog.count(*) AS standbys, pg_catalog.max(s.behind_bytes) AS behind, pg_catalog.max(s.replay_lag_ms) AS lag FROM sender AS s
) AS t
CROSS JOIN (
  SELECT pg_catalog.count(*) AS slots, pg_catalog.count(*) FILTER (WHERE NOT s.active) AS idle, pg_catalog.max(s.retained_bytes) AS retained
  FROM slot AS s
) AS o
