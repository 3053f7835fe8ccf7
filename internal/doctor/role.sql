-- What a role may do in PostgreSQL that an agent should not be able to do. Each row is a finding.
-- $1 the role, $2 whether the server logs in with it (else calls take it on), $3 its logins.
WITH me AS MATERIALIZED (
  SELECT oid, rolname, rolsuper, quote_ident(rolname) AS name FROM pg_catalog.pg_roles WHERE rolname = $1::text
),
-- The roles that it is or can become. Every role is within reach of a superuser, which says no more.
reach AS MATERIALIZED (
  SELECT r.* FROM me JOIN pg_catalog.pg_roles r ON r.oid = me.oid OR NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER')
),
attributes AS (
  SELECT a.severity, me.rolname || CASE WHEN r.oid = me.oid THEN ' ' ELSE ' can become ' || r.rolname || ', which ' END || a.title AS title, a.detail,
         NULL::text[] AS objects,
         CASE WHEN r.oid = me.oid AND r.oid = 10 THEN '-- this is the superuser that the server was made with, which PostgreSQL does not let go: make another login, ' ||
                E'and connect with it\nCREATE ROLE app_agent LOGIN PASSWORD ''...'';'
              WHEN r.oid = me.oid THEN format('ALTER ROLE %s %s;', me.name, a.undo) ELSE (
           SELECT string_agg(format('REVOKE %I FROM %I;', r.rolname, m.rolname), E'\n' ORDER BY m.rolname)
           FROM pg_catalog.pg_auth_members g JOIN reach m ON m.oid = g.member WHERE g.roleid = r.oid) END AS fix
  FROM me, reach r, LATERAL (VALUES
    (r.rolsuper, 'danger', 'is a superuser', 'No grant bounds a superuser: it reads and writes every table, the files of the server, and runs programs there.', 'NOSUPERUSER'),
    (r.rolbypassrls AND NOT r.rolsuper, 'danger', 'has BYPASSRLS', 'Policies of row-level security do not hold for it.', 'NOBYPASSRLS'),
    (r.rolreplication AND NOT r.rolsuper, 'danger', 'has REPLICATION', 'It can copy the whole server, and fill its disk with replication slots.', 'NOREPLICATION'),
    (r.rolcreaterole AND NOT r.rolsuper, 'danger', 'has CREATEROLE', 'It can make roles and give rights to itself.', 'NOCREATEROLE'),
    (r.rolcreatedb AND NOT r.rolsuper, 'warning', 'has CREATEDB', 'It can make databases and fill the disk.', 'NOCREATEDB')
  ) AS a (has, severity, title, detail, undo)
  WHERE a.has
),
memberships AS (
  SELECT k.severity, me.rolname || ' is a member of ' || k.role, k.detail, NULL::text[],
         (SELECT string_agg(format('REVOKE %I FROM %I;', k.role, m.rolname), E'\n' ORDER BY m.rolname)
          FROM pg_catalog.pg_auth_members g JOIN reach m ON m.oid = g.member WHERE g.roleid = r.oid)
  FROM me, reach r JOIN (VALUES
    ('pg_read_server_files', 'danger', 'It reads files of the server.'),
    ('pg_write_server_files', 'danger', 'It writes files of the server.'),
    ('pg_execute_server_program', 'danger', 'It runs programs on the host of the server.'),
    ('pg_write_all_data', 'danger', 'It writes every table, whatever the grants are.'),
    ('pg_read_all_data', 'warning', 'It reads every table, whatever the grants are.'),
    ('pg_create_subscription', 'warning', 'It makes the server connect to others.'),
    ('pg_signal_backend', 'warning', 'It ends the sessions of others.'),
    ('pg_signal_autovacuum_worker', 'warning', 'It ends the work of autovacuum.'),
    ('pg_maintain', 'warning', 'It locks every table, by VACUUM FULL, CLUSTER or REFRESH.'),
    ('pg_checkpoint', 'warning', 'It makes the server write all that is in memory, as often as it likes.'),
    ('pg_use_reserved_connections', 'warning', 'It takes the connections that are kept for an emergency.'),
    ('pg_monitor', 'note', 'It reads the settings and the SQL of all sessions. The tools of the toolset performance show more with it.'),
    ('pg_read_all_settings', 'note', 'It reads all settings.'),
    ('pg_read_all_stats', 'note', 'It reads the SQL of all sessions.')
  ) AS k (role, severity, detail) ON k.role = r.rolname
  WHERE k.role NOT IN ('pg_read_all_settings', 'pg_read_all_stats') OR NOT EXISTS (SELECT FROM reach WHERE rolname = 'pg_monitor')
),
spaces AS MATERIALIZED (
  SELECT oid, nspname, nspowner, quote_ident(nspname) AS name FROM pg_catalog.pg_namespace
  WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
),
creates AS (
  SELECT 'warning', me.rolname || ' can create objects in schemas',
         'A function or table there can take the place of another on the search path of somebody who may do more.',
         array_agg('schema ' || s.name ORDER BY s.name),
         format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC, %s;', string_agg(s.name, ', ' ORDER BY s.name), me.name)
  FROM me, spaces s
  WHERE NOT me.rolsuper AND has_schema_privilege(me.oid, s.oid, 'CREATE') AND NOT EXISTS (SELECT FROM reach WHERE oid = s.nspowner AND rolname <> 'pg_database_owner')
  GROUP BY me.rolname, me.name
),
database AS (
  SELECT 'warning', me.rolname || ' has ' || p.privilege || ' on the database', p.detail, NULL::text[],
         format('REVOKE %s ON DATABASE %I FROM PUBLIC, %s;', p.privilege, current_database(), me.name)
  FROM me, (VALUES
    ('CREATE', 'It can make schemas, and install extensions that are trusted.'),
    ('TEMPORARY', 'Temporary tables fill the disk, and are there also in a transaction that only reads.')
  ) AS p (privilege, detail)
  WHERE NOT me.rolsuper AND has_database_privilege(me.oid, current_database(), p.privilege)
),
-- Functions that it can call, those with a danger of their own.
callable AS MATERIALIZED (
  SELECT p.oid, p.oid::regprocedure::text AS signature, l.lanname, l.lanispl AND NOT l.lanpltrusted AS untrusted,
         p.prosecdef AND NOT EXISTS (SELECT FROM reach WHERE oid = p.proowner) AS definer, o.rolname AS owner, o.rolsuper AS powerful
  FROM me, pg_catalog.pg_proc p
  JOIN spaces s ON s.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
  WHERE p.prokind <> 'p' AND (p.prosecdef OR l.lanispl AND NOT l.lanpltrusted)
    AND has_function_privilege(me.oid, p.oid, 'EXECUTE') AND has_schema_privilege(me.oid, s.oid, 'USAGE')
),
languages AS (
  SELECT CASE WHEN me.rolsuper THEN 'danger' WHEN count(c.oid) > 0 THEN 'warning' ELSE 'note' END,
         format('the untrusted language %s is installed', l.lanname),
         'Its functions do anything that the operating system lets the server do.',
         array_agg('function ' || c.signature ORDER BY c.signature) FILTER (WHERE c.oid IS NOT NULL),
         CASE WHEN count(c.oid) > 0 THEN format(E'REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %s;\n', string_agg(c.signature, ', ' ORDER BY c.signature), me.name) ELSE '' END
           || format('-- if nothing needs it: DROP LANGUAGE %I;', l.lanname)
  FROM me, pg_catalog.pg_language l LEFT JOIN callable c ON c.lanname = l.lanname
  WHERE l.lanispl AND NOT l.lanpltrusted
  GROUP BY me.rolsuper, me.name, l.lanname
),
definers AS (
  SELECT CASE WHEN bool_or(c.powerful) THEN 'warning' ELSE 'note' END, me.rolname || ' can call functions with the rights of ' || c.owner,
         'They are SECURITY DEFINER: what they do is not bounded by the grants of who calls.' || CASE WHEN bool_or(c.powerful) THEN ' Their owner is a superuser.' ELSE '' END,
         array_agg('function ' || c.signature ORDER BY c.signature),
         format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %s;', string_agg(c.signature, ', ' ORDER BY c.signature), me.name)
  FROM me, callable c WHERE c.definer AND NOT me.rolsuper
  GROUP BY me.rolname, me.name, c.owner
),
settings AS (
  SELECT CASE WHEN $2::bool THEN 'note' ELSE 'warning' END, me.rolname || ' can execute set_config',
         CASE WHEN $2::bool THEN 'The server uses it, so that pg_stat_statements does not keep the claims of callers. A statement that gets past the guard could undo a timeout or pretend to have other claims.'
              ELSE 'A statement that gets past the guard could take off the role, or pretend to have other claims. Where PUBLIC loses it, logins that are not named here need a grant, such as that of pg_dump.' END,
         NULL::text[],
         CASE WHEN $2::bool THEN '-- nothing: the guard refuses set_config in every statement'
              ELSE format(E'REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC, %s;\nGRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO %s;', me.name,
                (SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_catalog.pg_roles
                 WHERE rolname = session_user OR rolname IN (SELECT json_array_elements_text($3::json)))) END
  FROM me WHERE NOT me.rolsuper AND has_function_privilege(me.oid, 'pg_catalog.set_config(text, text, boolean)', 'EXECUTE')
),
connection AS (
  SELECT 'danger', 'the connection to ' || host(inet_server_addr()) || ' has no TLS', 'Passwords and data can be read and changed on the way.', NULL::text[],
         '-- sslmode=verify-full in the connection string; ssl = on in postgresql.conf, hostssl in pg_hba.conf'
  WHERE $2::bool AND inet_server_addr() IS NOT NULL AND NOT inet_client_addr() <<= '127.0.0.0/8' AND inet_client_addr() <> '::1'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)
)
SELECT f.severity, f.title, f.detail, coalesce(to_json(f.objects[1:1000]), '[]') AS objects,
       CASE WHEN length(f.fix) > 200000 THEN '-- too many objects for a statement here: name them from the catalogue' ELSE f.fix END AS fix
FROM (
  SELECT * FROM connection UNION ALL SELECT * FROM attributes UNION ALL SELECT * FROM memberships
  UNION ALL SELECT * FROM creates UNION ALL SELECT * FROM database UNION ALL SELECT * FROM languages UNION ALL SELECT * FROM definers
  UNION ALL SELECT * FROM settings
) AS f (severity, title, detail, objects, fix)
