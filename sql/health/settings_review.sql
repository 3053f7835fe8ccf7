/*---
title: Review of settings
description: >
  Settings of the server that are dangerous, left at a default that fits few servers, or waiting for a restart, with the reason. Use it on a new
  server, or after a crash or a slowdown. What is right depends on memory, disks and load: take it as questions, not orders.
params:
  - name: levels
    type: string[]
    enum: [risk, tune, note]
    description: Omit for all.
access: read
trust: owner
omit_null: true
limits: {rows: 100}
tests:
  - args: {levels: [risk, tune]}
    expect: {max_rows: 30}
  - args: {levels: [fear]}
    expect: {error: invalid_arguments}
---*/
SELECT r.level, s.name AS setting,
       CASE WHEN s.is_own THEN pg_catalog.concat(s.setting, CASE WHEN s.setting NOT IN ('0', '-1') THEN s.unit END) ELSE pg_catalog.current_setting(s.name) END AS value,
       CASE WHEN NOT s.is_own THEN s.source END AS source, r.reason
FROM (
  -- What other sessions get: this one has limits of its own, which hide it, as do settings of its login and connection string.
  SELECT p.name, p.reset_val AS setting, p.unit, p.source, p.pending_restart, p.setting <> p.reset_val OR p.source = 'session' AS is_own
  FROM pg_catalog.pg_settings AS p
  WHERE p.source <> ALL (ARRAY['client', 'user', 'database user'])
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_db_role_setting AS o, pg_catalog.unnest(o.setconfig) AS c (line)
      WHERE o.setrole = (SELECT me.oid FROM pg_catalog.pg_roles AS me WHERE me.rolname = session_user)
        AND o.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
        AND pg_catalog.lower(pg_catalog.split_part(c.line, '=', 1)) = pg_catalog.lower(p.name))
) AS s
CROSS JOIN LATERAL (
  SELECT * FROM (VALUES
    ('risk', s.name = 'fsync' AND s.setting = 'off', 'A crash of the machine can destroy the database.'),
    ('risk', s.name = 'full_page_writes' AND s.setting = 'off', 'A crash of the machine can leave torn pages.'),
    ('risk', s.name = 'zero_damaged_pages' AND s.setting = 'on', 'Damaged pages are emptied without an error.'),
    ('risk', s.name = 'ignore_checksum_failure' AND s.setting = 'on', 'Damaged pages are read without an error.'),
    ('risk', s.name = 'autovacuum' AND s.setting = 'off', 'Dead rows stay, statistics age, and the server stops at wraparound.'),
    ('risk', s.name = 'track_counts' AND s.setting = 'off', 'Autovacuum works by these counts.'),
    ('risk', s.name = 'password_encryption' AND s.setting = 'md5', 'New passwords get a weak hash: scram-sha-256 is the default since version 14.'),
    ('risk', s.name = 'data_checksums' AND s.setting = 'off', 'Damage by disks goes unseen.'),
    ('risk', s.name = 'ssl' AND s.setting = 'off' AND pg_catalog.current_setting('listen_addresses') NOT IN ('', 'localhost', '127.0.0.1', '::1'),
     'Connections over the network are not encrypted.'),
    ('note', s.name = 'synchronous_commit' AND s.setting = 'off', 'A crash can lose the last commits, without damage.'),
    ('note', s.pending_restart, 'The file has another value, which needs a restart.'),
    ('tune', s.name = 'shared_buffers' AND s.setting::bigint <= 16384, 'Often a quarter of the memory.'),
    ('tune', s.name = 'effective_cache_size' AND s.source = 'default', 'What PostgreSQL and the system cache together, often three quarters of the memory: it sways plans only.'),
    ('tune', s.name = 'maintenance_work_mem' AND s.setting::bigint <= 65536, 'More makes vacuum and CREATE INDEX faster.'),
    ('tune', s.name = 'work_mem' AND s.setting::bigint <= 4096, 'Sorts and hashes beyond it go to disk: look at temp_bytes in database_overview.'),
    ('tune', s.name = 'work_mem' AND s.setting::bigint * pg_catalog.current_setting('max_connections')::bigint > 64 * 1024 * 1024,
     'Times max_connections this is more than 64 GB, and a statement may take it several times.'),
    ('tune', s.name = 'random_page_cost' AND s.setting::numeric >= 4, 'On SSDs about 1.1: 4 is for rotating disks, and keeps plans from indexes.'),
    ('tune', s.name = 'max_wal_size' AND s.setting::bigint <= 1024, 'Under a load of writes, checkpoints come too often.'),
    ('tune', s.name = 'checkpoint_completion_target' AND s.setting::numeric < 0.9, 'Checkpoints write in bursts.'),
    ('tune', s.name = 'max_connections' AND s.setting::bigint > 500, 'Many sessions cost memory and time: a pooler serves more clients with fewer.'),
    ('tune', s.name = 'autovacuum_vacuum_cost_limit' AND s.setting::bigint BETWEEN 1 AND 199, 'Autovacuum is slower than by default.'),
    ('note', s.name = 'statement_timeout' AND s.setting = '0', 'No limit: a forgotten statement runs for ever.'),
    ('note', s.name = 'idle_in_transaction_session_timeout' AND s.setting = '0', 'A forgotten transaction keeps its locks, and dead rows, for ever.'),
    ('note', s.name = 'log_min_duration_statement' AND s.setting = '-1', 'Slow statements are not logged.'),
    ('note', s.name = 'log_lock_waits' AND s.setting = 'off', 'Long waits for locks are not logged.'),
    ('note', s.name = 'track_io_timing' AND s.setting = 'off', 'Times of reads and writes are not measured.'),
    ('note', s.name = 'shared_preload_libraries' AND s.setting !~ 'pg_stat_statements', 'Without pg_stat_statements nobody knows which statements cost most.')
  ) AS v (level, applies, reason)
  WHERE v.applies AND (@levels IS NULL OR v.level = ANY (@levels))
) AS r
ORDER BY pg_catalog.array_position(ARRAY['risk', 'tune', 'note'], r.level), s.name, r.reason
