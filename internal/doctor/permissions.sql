-- The permissions file against the grants in the database. Each row is a finding.
-- $1 a login or a role that calls take on, $2 the roles of the file whose calls go through it; those that are served run with its
-- rights, the others take on a database role. $3 the latter. $4 names of extensions' relations that need not be named.
WITH me AS MATERIALIZED (
  SELECT oid, rolname, rolsuper, quote_ident(rolname) AS name FROM pg_catalog.pg_roles WHERE rolname = $1::text
),
rule AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (name text, schemas text[], all_tables bool, tables jsonb, operations text[], functions jsonb, served bool)
),
-- A table or function that the file names, once for each schema that it can be of.
named AS MATERIALIZED (
  SELECT r.name AS role, r.served, kind, s.schema, x.name, x.schema IS NOT NULL OR cardinality(r.schemas) = 1 AS sure, r.schemas
  FROM rule r, LATERAL (
    SELECT 'table' AS kind, * FROM jsonb_to_recordset(r.tables) AS t (schema text, name text)
    UNION ALL SELECT 'function', * FROM jsonb_to_recordset(r.functions) AS f (schema text, name text)
  ) AS x, LATERAL unnest(CASE WHEN x.schema IS NULL THEN r.schemas ELSE ARRAY[x.schema] END) AS s (schema)
),
relation AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind, n.nspname, c.relowner, c.relacl, has_schema_privilege(me.oid, n.oid, 'USAGE') AS reachable, quote_ident(c.relname) AS name,
    -- what a role must name: "*" does not mean it
    c.relkind = 'f' OR c.relname <> ALL ($4::text[]) AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS apart
  FROM me, pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
),
allowed AS MATERIALIZED (
  SELECT c.oid, c.nspname, c.name, op.op, string_agg(r.name, ', ' ORDER BY r.name) AS roles, bool_or(r.served) AS served
  FROM rule r JOIN relation c ON c.nspname = ANY (r.schemas)
    AND (r.all_tables AND NOT c.apart OR EXISTS (SELECT FROM named n WHERE n.role = r.name AND n.kind = 'table' AND n.schema = c.nspname AND n.name = c.relname)),
    unnest(r.operations) AS op (op)
  WHERE c.relkind <> 'm' OR op.op = 'SELECT'
  GROUP BY 1, 2, 3, 4
),
can AS MATERIALIZED (
  SELECT c.oid, c.nspname, c.name, op.op, c.relacl
  FROM me, relation c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) WITH ORDINALITY AS op (op, no)
  WHERE c.reachable AND (c.relkind <> 'm' OR op.no = 1) AND (has_table_privilege(me.oid, c.oid, op.op) OR op.no IN (1, 2, 3) AND has_any_column_privilege(me.oid, c.oid, op.op))
),
schemas AS (
  SELECT 'warning', format('role %s: the schema %s %s', string_agg(DISTINCT r.name, ', '), s.schema, CASE WHEN n.oid IS NULL THEN 'does not exist' ELSE 'is closed to ' || me.rolname END),
         'The permissions file allows it.', NULL::text[],
         CASE WHEN n.oid IS NULL THEN format('CREATE SCHEMA %I; -- or correct the permissions file', s.schema) ELSE format('GRANT USAGE ON SCHEMA %I TO %s;', s.schema, me.name) END
  FROM me, rule r, unnest(r.schemas) AS s (schema) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.schema
  WHERE n.oid IS NULL OR r.served AND NOT has_schema_privilege(me.oid, n.oid, 'USAGE')
  GROUP BY s.schema, n.oid, me.rolname, me.name
),
missing AS (
  SELECT 'warning', format('role %s: the permissions file names a %s that does not exist', n.role, n.kind), 'Nothing in the schemas of the role has this name.',
         array_agg(DISTINCT n.kind || ' ' || format(CASE WHEN sure THEN '%I.%I' ELSE '%2$I' END, n.schema, n.name)), '-- correct the permissions file'
  FROM named n
  WHERE NOT EXISTS (
    SELECT FROM named o LEFT JOIN relation c ON o.kind = 'table' AND c.nspname = o.schema AND c.relname = o.name
      LEFT JOIN pg_catalog.pg_namespace s ON o.kind = 'function' AND s.nspname = o.schema
      LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = s.oid AND p.proname = o.name
    WHERE o.role = n.role AND o.kind = n.kind AND o.name = n.name AND (o.schema = n.schema OR NOT n.sure) AND (c.oid IS NOT NULL OR p.oid IS NOT NULL OR o.schema IN ('pg_catalog', 'information_schema')))
  GROUP BY n.role, n.kind
),
lacking AS (
  SELECT 'warning', format('role %s: %s lacks %s in the schema %s', a.roles, me.rolname, a.op, a.nspname), 'The permissions file allows it, and PostgreSQL refuses it.',
         array_agg('table ' || a.oid::regclass ORDER BY a.name), format('GRANT %s ON %s TO %s;', a.op, string_agg(a.oid::regclass::text, ', ' ORDER BY a.name), me.name)
  FROM me, allowed a JOIN relation c USING (oid)
  WHERE a.served AND NOT has_table_privilege(me.oid, a.oid, a.op) AND NOT (a.op <> 'DELETE' AND has_any_column_privilege(me.oid, a.oid, a.op))
  GROUP BY a.roles, a.op, a.nspname, me.rolname, me.name
),
sequences AS (
  SELECT 'warning', format('role %s: %s can''t use sequences in the schema %s', a.roles, me.rolname, a.nspname), 'INSERT fails where a default takes the next value.',
         array_agg('sequence ' || d.objid::regclass ORDER BY a.name), format('GRANT USAGE ON SEQUENCE %s TO %s;', string_agg(d.objid::regclass::text, ', ' ORDER BY a.name), me.name)
  FROM me, allowed a JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.oid AND d.deptype = 'a'
    AND d.classid = 'pg_catalog.pg_class'::regclass JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S'
  WHERE a.op = 'INSERT' AND a.served AND NOT has_sequence_privilege(me.oid, q.oid, 'USAGE, UPDATE')
  GROUP BY a.roles, a.nspname, me.rolname, me.name
),
functions AS (
  SELECT 'warning', format('role %s: %s lacks EXECUTE', n.role, me.rolname), 'The permissions file allows the functions, and PostgreSQL refuses them.',
         array_agg('function ' || p.oid::regprocedure ORDER BY p.oid), format('GRANT EXECUTE ON FUNCTION %s TO %s;', string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid), me.name)
  FROM me, named n JOIN pg_catalog.pg_namespace s ON s.nspname = n.schema JOIN pg_catalog.pg_proc p ON p.pronamespace = s.oid AND p.proname = n.name
  WHERE n.kind = 'function' AND n.served AND p.prokind <> 'p' AND NOT has_function_privilege(me.oid, p.oid, 'EXECUTE')
  GROUP BY n.role, me.rolname, me.name
),
-- What the role can do that no role of the file may, and who has been granted it.
extra AS (
  SELECT c.*, g.grantees FROM me, can c, LATERAL (
    SELECT string_agg(DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(x.grantee::regrole::text) END, ', ')
    FROM aclexplode(c.relacl) x WHERE x.privilege_type = c.op AND (x.grantee = 0 OR pg_has_role(me.oid, x.grantee, 'MEMBER'))
  ) AS g (grantees)
  WHERE NOT me.rolsuper AND NOT EXISTS (SELECT FROM allowed a WHERE a.oid = c.oid AND a.op = c.op)
),
revokes AS (
  SELECT nspname, string_agg(fix, E'\n' ORDER BY fix) AS fix FROM (
    SELECT nspname, format('REVOKE %s ON %s FROM %s;', ops, string_agg(oid::regclass::text, ', ' ORDER BY name), grantees) AS fix FROM (
      SELECT nspname, oid, name, string_agg(op, ', ' ORDER BY op) AS ops, coalesce(grantees, (SELECT name FROM me)) AS grantees FROM extra GROUP BY 1, 2, 3, 5
    ) AS t GROUP BY nspname, ops, grantees
  ) AS f GROUP BY nspname
),
beyond AS (
  SELECT 'warning', format('%s can do more in the schema %s than the permissions file allows', me.rolname, e.nspname), 'Only the guard stops it there. Tables, and what can be done to them:',
         array_agg(e.ops || ' on ' || e.count || CASE WHEN e.count = 1 THEN ' table: ' ELSE ' tables: ' END || e.tables ORDER BY e.ops), r.fix
  FROM me, (
    SELECT nspname, ops, count(*), array_to_string((array_agg(name ORDER BY name))[1:5], ', ') || CASE WHEN count(*) > 5 THEN ', ...' ELSE '' END AS tables
    FROM (SELECT nspname, name, lower(string_agg(op, ', ' ORDER BY op)) AS ops FROM extra GROUP BY nspname, name) AS t GROUP BY nspname, ops
  ) AS e JOIN revokes r USING (nspname)
  GROUP BY me.rolname, e.nspname, r.fix
),
shared AS (
  SELECT 'warning', format('%s: neither connection nor database_role, calls run as %s', string_agg('role ' || r.name, ', ' ORDER BY r.name), me.rolname),
         'Only the guard keeps the roles apart. PostgreSQL does too where each has a connection or a database_role.', NULL::text[],
         '-- mcp-postgres grants --permissions FILE prints the roles and their grants'
  FROM me, rule r WHERE r.served AND (SELECT count(*) FROM rule) > 1 GROUP BY me.rolname
),
-- Roles that the login can't take on: their calls all fail.
unreachable AS (
  SELECT 'danger', format('role %s: its database_role %s %s', t.name, t.database_role,
           CASE WHEN d.oid IS NULL THEN 'does not exist' ELSE 'can''t be taken on by ' || me.rolname END),
         'Every call of the role fails.', NULL::text[],
         CASE WHEN d.oid IS NULL THEN format(E'CREATE ROLE %I NOLOGIN;\n', t.database_role) ELSE '' END || format('GRANT %I TO %s;', t.database_role, me.name)
  FROM me, jsonb_to_recordset($3::jsonb) AS t (name text, database_role text)
  LEFT JOIN pg_catalog.pg_roles d ON d.rolname = t.database_role
  WHERE d.oid IS NULL OR NOT pg_has_role(me.oid, d.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
)
SELECT f.severity, f.title, f.detail, coalesce(to_json(f.objects[1:1000]), '[]') AS objects,
       CASE WHEN length(f.fix) > 200000 THEN '-- too many objects for a statement here: name them from the catalogue' ELSE f.fix END AS fix
FROM (
  SELECT * FROM unreachable UNION ALL SELECT * FROM shared UNION ALL SELECT * FROM schemas UNION ALL SELECT * FROM missing UNION ALL SELECT * FROM lacking
  UNION ALL SELECT * FROM sequences UNION ALL SELECT * FROM functions UNION ALL SELECT * FROM beyond
) AS f (severity, title, detail, objects, fix)
