-- What a role owns, and what it can use and write of the database, that an agent should not. Each row is a finding.
-- $1 the role, $2 whether the server is read-only.
WITH me AS MATERIALIZED (
  SELECT oid, rolname, rolsuper, rolbypassrls, quote_ident(rolname) AS name FROM pg_catalog.pg_roles WHERE rolname = $1::text
),
-- The roles that it is or can become. Every role is within reach of a superuser, which says no more.
reach AS MATERIALIZED (
  SELECT r.* FROM me JOIN pg_catalog.pg_roles r ON r.oid = me.oid OR NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER')
),
spaces AS MATERIALIZED (
  SELECT oid, nspname, nspowner, quote_ident(nspname) AS name FROM pg_catalog.pg_namespace
  WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
),
owned AS (
  SELECT 'warning', me.rolname || ' owns what it works on',
         'An owner can drop and alter, reads all rows whatever the policies say, and gives itself every right.',
         array_agg(o.what ORDER BY o.what),
         -- What the superuser that the server was made with owns, PostgreSQL gives away only piece by piece.
         concat_ws(E'\n', 'CREATE ROLE app_owner NOLOGIN;',
           'REASSIGN OWNED BY ' || string_agg(DISTINCT quote_ident(o.owner), ', ') FILTER (WHERE o.owner_oid <> 10) || ' TO app_owner;',
           string_agg(format('ALTER %s %s OWNER TO app_owner;', upper(split_part(o.what, ' ', 1)), substr(o.what, strpos(o.what, ' ') + 1)), E'\n' ORDER BY o.what) FILTER (WHERE o.owner_oid = 10))
  FROM me, (
    SELECT format('table %s.%I', s.name, c.relname), r.rolname, r.oid FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace JOIN reach r ON r.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL SELECT 'schema ' || s.name, r.rolname, r.oid FROM spaces s JOIN reach r ON r.oid = s.nspowner WHERE r.rolname <> 'pg_database_owner'
    UNION ALL SELECT 'database ' || quote_ident(d.datname), r.rolname, r.oid FROM pg_catalog.pg_database d JOIN reach r ON r.oid = d.datdba WHERE d.datname = current_database()
  ) AS o (what, owner, owner_oid)
  GROUP BY me.rolname HAVING count(*) > 0
),
-- Extensions that leave the database, and what of them the role can use.
extensions AS (
  SELECT CASE WHEN count(u.what) > 0 THEN 'warning' ELSE 'note' END,
         format('the extension %s is installed%s', e.extname, CASE WHEN count(u.what) > 0 THEN ', and ' || me.rolname || ' can use it' END), k.detail,
         array_agg(u.what ORDER BY u.what) FILTER (WHERE u.what IS NOT NULL),
         coalesce(string_agg(u.fix, E'\n' ORDER BY u.what) || E'\n', '') || format('-- if nothing needs it: DROP EXTENSION %I;', e.extname)
  FROM me, pg_catalog.pg_extension e
  JOIN (VALUES
    ('dblink', 'It opens connections to other databases; what they do is outside of the transaction of a call.'),
    ('postgres_fdw', 'Its tables are on other servers; what happens there is outside of the transaction of a call.'),
    ('file_fdw', 'Its tables are files of the server, and the output of programs there.'),
    ('adminpack', 'It writes files of the server.'),
    ('pageinspect', 'It shows the contents of tables whatever the grants are.'),
    ('pg_surgery', 'It changes tables behind the back of PostgreSQL.')
  ) AS k (name, detail) ON k.name = e.extname
  LEFT JOIN LATERAL (
    SELECT 'functions of ' || e.extname, format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %s;', string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid), me.name)
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
    WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND k.name NOT LIKE '%\_fdw'
      AND has_function_privilege(me.oid, p.oid, 'EXECUTE')
      AND has_schema_privilege(me.oid, p.pronamespace, 'USAGE')
    HAVING count(*) > 0
    UNION ALL
    SELECT format('foreign server %I', s.srvname), format('REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC, %s;', s.srvname, me.name)
    FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = k.name
    WHERE has_server_privilege(me.oid, s.oid, 'USAGE')
    UNION ALL
    SELECT 'foreign table ' || t.ftrelid::regclass, format('REVOKE ALL ON %s FROM PUBLIC, %s;', t.ftrelid::regclass, me.name)
    FROM pg_catalog.pg_foreign_table t JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver
    JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = k.name
    WHERE has_table_privilege(me.oid, t.ftrelid, 'SELECT, INSERT, UPDATE, DELETE')
  ) AS u (what, fix) ON true
  GROUP BY me.rolname, e.extname, k.detail
),
-- Tables of which the role sees some rows only, or none: an answer that is short, or empty, may be wrong.
policies AS (
  SELECT 'note', 'row security bounds what ' || me.rolname || ' sees', 'A query gives the rows that the policies let through, without a word on the others.',
         array_agg(format('table %s.%I%s', s.name, c.relname, CASE WHEN NOT p.seen THEN ': no policy lets it see a row' ELSE '' END) ORDER BY s.name, c.relname),
         '-- nothing, where that is meant; else CREATE POLICY ... FOR SELECT TO ' || me.name || ' USING (...)'
  FROM me JOIN pg_catalog.pg_class c ON c.relrowsecurity JOIN spaces s ON s.oid = c.relnamespace, LATERAL (
    SELECT EXISTS (SELECT FROM pg_catalog.pg_policy q WHERE q.polrelid = c.oid AND q.polpermissive AND q.polcmd IN ('r', '*')
      AND EXISTS (SELECT FROM unnest(q.polroles) AS r (oid) WHERE r.oid = 0 OR pg_has_role(me.oid, r.oid, 'USAGE'))) AS seen
  ) AS p
  WHERE NOT me.rolsuper AND NOT me.rolbypassrls AND (c.relforcerowsecurity OR NOT pg_has_role(me.oid, c.relowner, 'USAGE'))
    AND has_schema_privilege(me.oid, s.oid, 'USAGE') AND has_any_column_privilege(me.oid, c.oid, 'SELECT')
  GROUP BY me.rolname, me.name
),
writes AS (
  SELECT 'warning', me.rolname || ' can write, and the server is read-only', 'A login that can only read holds also where the guard and the transaction do not.',
         array_agg('table ' || c.oid::regclass ORDER BY c.oid::regclass::text),
         format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM PUBLIC, %s;', string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text), me.name)
  FROM me, pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace
  WHERE $2::bool AND NOT me.rolsuper AND c.relkind IN ('r', 'p', 'v', 'f') AND has_schema_privilege(me.oid, s.oid, 'USAGE')
    AND (has_table_privilege(me.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(me.oid, c.oid, 'INSERT, UPDATE'))
  GROUP BY me.rolname, me.name
)
SELECT f.severity, f.title, f.detail, coalesce(to_json(f.objects[1:1000]), '[]') AS objects,
       CASE WHEN length(f.fix) > 200000 THEN '-- too many objects for a statement here: name them from the catalogue' ELSE f.fix END AS fix
FROM (
  SELECT * FROM owned UNION ALL SELECT * FROM extensions UNION ALL SELECT * FROM policies UNION ALL SELECT * FROM writes
) AS f (severity, title, detail, objects, fix)
