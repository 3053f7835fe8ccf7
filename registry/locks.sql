SELECT pg_catalog.format('%s on %s', l.mode, l.relation::pg_catalog.regclass)
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm', 'S')
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.mode <> 'AccessShareLock'
  AND c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
ORDER BY 1
LIMIT 20
