-- All that a call might change, as rows of a name and a value. A second superuser runs it before and after each case.
SELECT what, coalesce(value, '') FROM (
SELECT 'rows of ' || c.oid::regclass, md5(query_to_xml(format('SELECT * FROM ONLY %s AS t ORDER BY t::text', c.oid::regclass), true, false, '')::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('trap', 'internal', 'hr', 'public')
   OR c.oid IN (SELECT t::regclass FROM unnest('{shop.accounts,shop.counters,shop.categories,shop.products,shop.employees,shop.returns}'::text[]) t)
UNION ALL SELECT 'sequence ' || format('%I.%I', schemaname, sequencename), last_value::text FROM pg_sequences
UNION ALL SELECT 'relations', md5(string_agg(concat_ws(' ', oid, relname, relnamespace, relkind, relfilenode, relacl, reloptions, relowner, relrowsecurity, reltablespace), ',' ORDER BY oid)) FROM pg_class
UNION ALL SELECT 'columns', md5(string_agg(concat_ws(' ', attrelid, attname, atttypid, attnotnull, attisdropped, attacl), ',' ORDER BY attrelid, attnum)) FROM pg_attribute WHERE attrelid >= 16384
UNION ALL SELECT 'functions', md5(string_agg(concat_ws(' ', oid, proname, prosrc, proacl, proconfig, prosecdef), ',' ORDER BY oid)) FROM pg_proc
UNION ALL SELECT 'other objects', concat_ws(' ', (SELECT count(*) FROM pg_type), (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_language),
    (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_rewrite), (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_event_trigger), (SELECT count(*) FROM pg_publication),
    (SELECT count(*) FROM pg_subscription), (SELECT count(*) FROM pg_foreign_server), (SELECT count(*) FROM pg_user_mapping), (SELECT count(*) FROM pg_default_acl), (SELECT count(*) FROM pg_collation),
    (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_operator), (SELECT count(*) FROM pg_cast), (SELECT count(*) FROM pg_ts_config), (SELECT count(*) FROM pg_conversion))
UNION ALL SELECT 'comments', md5(string_agg(concat_ws(' ', classoid, objoid, objsubid, description), ',' ORDER BY classoid, objoid, objsubid)) FROM pg_description WHERE objoid >= 16384
UNION ALL SELECT 'planner statistics', count(*)::text FROM pg_statistic
UNION ALL SELECT 'maintenance', md5(string_agg(concat_ws(' ', relid, last_vacuum, last_analyze), ',' ORDER BY relid)) FROM pg_stat_all_tables
UNION ALL SELECT 'roles', md5(string_agg(a::text, ',' ORDER BY a.oid)) FROM pg_authid a
UNION ALL SELECT 'memberships', count(*)::text FROM pg_auth_members
UNION ALL SELECT 'role settings', md5(string_agg(s::text, ',' ORDER BY s::text)) FROM pg_db_role_setting s
UNION ALL SELECT 'databases', string_agg(concat_ws(' ', datname, datdba, datallowconn, datconnlimit, datacl), ',' ORDER BY datname) FROM pg_database
UNION ALL SELECT 'tablespaces', count(*)::text FROM pg_tablespace
UNION ALL SELECT 'large objects', md5(string_agg(concat_ws(' ', m.oid, m.lomacl, o.pageno, encode(o.data, 'hex')), ',' ORDER BY m.oid, o.pageno)) FROM pg_largeobject_metadata m LEFT JOIN pg_largeobject o ON o.loid = m.oid
UNION ALL SELECT 'replication slots', coalesce(string_agg(concat_ws(' ', slot_name, active, confirmed_flush_lsn), ',' ORDER BY slot_name), '') FROM pg_replication_slots
UNION ALL SELECT 'replication origins', count(*)::text FROM pg_replication_origin
UNION ALL SELECT 'prepared transactions', count(*)::text FROM pg_prepared_xacts
UNION ALL SELECT 'advisory locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory'
UNION ALL SELECT 'strong locks', count(*)::text FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation' AND pid <> pg_backend_pid()
UNION ALL SELECT 'settings loaded', pg_conf_load_time()::text
UNION ALL SELECT 'postgresql.auto.conf', md5(pg_read_file('postgresql.auto.conf'))
UNION ALL SELECT 'pg_hba.conf', md5(pg_read_file('pg_hba.conf'))
UNION ALL SELECT 'canary.txt', CASE WHEN pg_stat_file('canary.txt', true) IS NOT NULL THEN md5(pg_read_file('canary.txt')) END
UNION ALL SELECT 'files', (SELECT string_agg(f, ' ' ORDER BY f) FROM pg_ls_dir('.') f)
UNION ALL SELECT 'snapshots', (SELECT count(*) FROM pg_ls_dir('pg_snapshots'))::text
UNION ALL SELECT 'statistics reset', concat_ws(' ', (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()), (SELECT stats_reset FROM pg_stat_bgwriter), (SELECT stats_reset FROM pg_stat_archiver),
    (SELECT stats_reset FROM pg_stat_wal), (SELECT max(stats_reset) FROM pg_stat_slru), (SELECT stats_reset FROM pg_stat_statements_info))
UNION ALL SELECT 'notifications', cardinality(ARRAY(SELECT pg_listening_channels()))::text
) AS world(what, value)
