-- Whether this server is a standby, and since when it counts.
counters AS MATERIALIZED (
  SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
         -- A crash resets all counters, and sets the second.
         greatest(pg_catalog.pg_stat_get_db_stat_reset_time(d.oid), pg_catalog.pg_stat_get_bgwriter_stat_reset_time()) AS since
  FROM pg_catalog.pg_database AS d
  WHERE d.datname = pg_catalog.current_database()
)
