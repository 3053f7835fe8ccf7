-- The names of $1 that only volatile functions have. Of PostgreSQL's own, which have OIDs below 16384, many only tell of the
-- server's state; those with an effect, and the random ones, are named.
SELECT p.proname
FROM pg_catalog.pg_proc AS p
WHERE p.proname = ANY ($1::name[])
  AND (p.oid >= 16384
       OR p.proname ~ ('^(nextval|setval|random.*|gen_random_uuid|set_config|pg_sleep.*|pg_(try_)?advisory.*|pg_(terminate|cancel)_backend|'
                       || 'pg_notify|lo_.*|pg_(read|ls|reload|rotate|switch|create|drop|logical|promote|backup|stat_reset|import).*|'
                       || 'pg_wal_replay_(pause|resume)|txid_current|pg_current_xact_id|query_to_xml.*|table_to_xml.*)$'))
GROUP BY p.proname
HAVING pg_catalog.bool_and(p.provolatile = 'v')
