/*---
title: Where am I
description: >
  The database, server version, user, settings and extensions behind this connection.
access: read
result: object
trust: owner
omit_null: true
tests:
  - expect: {contains: {current_schema: shop, encoding: UTF8, in_recovery: false}}
---*/
SELECT pg_catalog.current_database() AS database,
       d.description AS comment,
       current_user AS current_user,
       session_user AS session_user,
       pg_catalog.current_setting('is_superuser')::boolean AS is_superuser,
       pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.current_setting('server_version_num')::integer AS server_version_num,
       -- NULL on a Unix socket.
       pg_catalog.host(pg_catalog.inet_server_addr()) AS host,
       pg_catalog.inet_server_port() AS port,
       pg_catalog.pg_postmaster_start_time() AS started_at,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       -- This call's own transaction is read-only anyway, so transaction_read_only would say nothing.
       pg_catalog.current_setting('default_transaction_read_only')::boolean AS default_transaction_read_only,
       path.current_schema,
       path.search_path,
       pg_catalog.getdatabaseencoding() AS encoding,
       pg_catalog.current_setting('TimeZone') AS timezone,
       (SELECT pg_catalog.json_object_agg(e.extname, e.extversion ORDER BY e.extname)
        FROM pg_catalog.pg_extension AS e) AS extensions
FROM (
  -- The schemas that exist, in the order in which names are looked up.
  SELECT pg_catalog.array_agg(s.name ORDER BY s.place) AS search_path,
         (pg_catalog.array_agg(s.name ORDER BY s.place))[1] AS current_schema
  FROM pg_catalog.unnest(pg_catalog.current_schemas(false)::text[]) WITH ORDINALITY AS s (name, place)
  WHERE @caller_schemas IS NULL OR s.name = ANY (@caller_schemas)
) AS path
LEFT JOIN pg_catalog.pg_shdescription AS d
  ON d.objoid = (SELECT own.oid FROM pg_catalog.pg_database AS own WHERE own.datname = pg_catalog.current_database())
  AND d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
