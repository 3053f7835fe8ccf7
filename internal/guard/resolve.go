package guard

import (
	"context"
	"slices"
	"strconv"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// functionColumns describe a function that w (what, ord, of) leads to; inner are the functions that PostgreSQL itself calls
// behind operators and aggregates.
const functionColumns = `
SELECT w.what, w.ord, p.oid, p.nspname, p.proname, p.prokind, p.oid < 16384, w.what <> 'function' AND p.oid < 16384 AND p.oid IN (
    SELECT oprcode FROM pg_catalog.pg_operator WHERE oid < 16384 UNION ALL SELECT u.f FROM pg_catalog.pg_aggregate AS a,
      pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]) AS u (f)
    WHERE a.aggfnoid < 16384), false, p.lanname, p.extension, w.of
FROM w
CROSS JOIN LATERAL (
  SELECT p.oid, n.nspname, p.proname, p.prokind, CASE WHEN l.lanname = 'internal' AND p.prosrc ~ '^(multi)?range_constructor[0-3]$' THEN 'range' ELSE l.lanname END AS lanname, (
    SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
    WHERE d.classid = 1255 AND d.objid = p.oid AND d.deptype = 'e' LIMIT 1) AS extension
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
  WHERE p.oid = w.oid OFFSET 0) AS p`

// resolveSQL finds what the names of a statement stand for: $1, $2 relations, $3 to $6 functions (whether those of PostgreSQL
// itself are wanted; 0 for a call, 1 for field notation, or the version from which on it is no call), $7, $8 operators, $9, $10 types, each with its schema first, which is empty
// where it is not written; $11 are types of values that come from elsewhere, such as arguments; $12 is read-only mode. What has an OID below 16384 is
// PostgreSQL's own. What has the arguments of one of those is never meant where pg_catalog comes first.
//
// The types named, those of columns and those that functions give (types) bring along what they are made of and are cast to,
// with whatever runs when they are used:
// their own functions, casts, sort orders. An explicit cast needs its target named, which can be as a function: date(x). The
// planner runs functions in constraints, indexes, statistics and keys of a table and all its children, where their arguments are constant. What extensions bring along with their
// types in C is left out: it is what they are made for. A record, and a value of any type, may hold what compares by any
// order that users have made; what they have added to PostgreSQL's own families counts always, and so do the negators and
// commutators that they have given to its operators.
//
// The check of a domain runs where a value becomes one: where it is named, within an array or row that a literal is read as, and
// as a result of functions and operators that take any type (generic: anyelement, anycompatible, arrays of those). A column of the domain alone is only read.
//
// OFFSET 0 makes the planner go from the names to the catalogues by their indexes; it takes the sets for larger than they are.
const resolveSQL = `
WITH RECURSIVE rel AS (
  SELECT i.ord, (
      SELECT c.oid
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relname = i.name::name AND ` + inPath + `
      ORDER BY pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname) LIMIT 1) AS oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY AS i (schema, name, ord)
), named AS MATERIALIZED (
  SELECT i.ord, t.*
  FROM ROWS FROM (pg_catalog.unnest($9::text[] || $3::text[]), pg_catalog.unnest($10::text[] || $4::text[])) WITH ORDINALITY AS i (schema, name, ord)
  CROSS JOIN LATERAL (
    SELECT t.oid, coalesce(elem.oid, t.oid) AS base
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type AS elem ON elem.oid = t.typelem AND t.typcategory = 'A'
    WHERE t.typname = i.name::name AND ` + inPath + ` OFFSET 0) AS t
), columns AS MATERIALIZED (
  SELECT DISTINCT a.atttypid AS oid
  FROM rel CROSS JOIN LATERAL (SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = rel.oid AND a.attnum <> 0 OFFSET 0) AS a
), ` + operatorsSQL + `, parts (oid, named) AS (
  SELECT base, true FROM named WHERE base >= 16384
  UNION
  SELECT oid, false FROM columns WHERE oid >= 16384
  UNION
  SELECT oid, false FROM given WHERE oid >= 16384
  UNION
  SELECT part.oid, parts.named
  FROM parts
  CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type AS t WHERE t.oid = parts.oid AND t.oid >= 16384 OFFSET 0) AS t
  CROSS JOIN LATERAL (
    SELECT t.typelem UNION ALL SELECT t.typbasetype
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
    UNION ALL SELECT u.oid FROM pg_catalog.pg_range AS r, pg_catalog.unnest(ARRAY[r.rngsubtype, r.rngmultitypid]) AS u (oid) WHERE r.rngtypid = t.oid
    UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range AS r WHERE r.rngmultitypid = t.oid
    UNION ALL SELECT c.casttarget FROM pg_catalog.pg_cast AS c WHERE c.castsource = t.oid AND c.castcontext = 'i'
    UNION ALL SELECT o.result FROM overloads AS o WHERE t.oid IN (o.l, o.r)) AS part (oid)
  WHERE part.oid <> 0
), types AS MATERIALIZED (
  SELECT oid, named FROM parts WHERE oid >= 16384
), used AS MATERIALIZED (
  SELECT u.named, t.*
  FROM (SELECT oid, pg_catalog.bool_or(named) AS named FROM types GROUP BY oid) AS u
  CROSS JOIN LATERAL (SELECT t.oid, t.typname, t.typtype, t.typinput, t.typoutput, t.typmodin, t.typsubscript, t.typelem, t.typrelid FROM pg_catalog.pg_type AS t WHERE t.oid = u.oid OFFSET 0) AS t
), casts AS (
  SELECT c.castfunc AS oid, pg_catalog.format('the cast from %s to %s', pg_catalog.format_type(c.castsource, NULL), pg_catalog.format_type(c.casttarget, NULL)) AS of
  FROM pg_catalog.pg_cast AS c
  LEFT JOIN used AS s ON s.oid = c.castsource
  LEFT JOIN used AS t ON t.oid = c.casttarget
  WHERE c.oid >= 16384 AND c.castfunc <> 0
    AND ((s.oid IS NOT NULL OR c.castsource < 16384 AND (t.oid IS NOT NULL OR c.casttarget < 16384))
      AND (c.castcontext <> 'e' OR c.casttarget IN (SELECT oid FROM named UNION ALL SELECT base FROM named UNION ALL
        SELECT u.oid FROM parts JOIN pg_catalog.pg_type AS p ON p.oid = parts.oid CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[p.oid, p.typelem]) AS u (oid) WHERE parts.named))
      OR EXISTS (SELECT FROM poly))
), linked AS (
  SELECT n.oprcode::oid AS oid, 'operator ' || o.oprname AS of
  FROM pg_catalog.pg_operator AS o CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[o.oprnegate, o.oprcom]) AS l (oid)
  CROSS JOIN LATERAL (SELECT n.oprcode FROM pg_catalog.pg_operator AS n WHERE n.oid = l.oid AND n.oprcode <> 0 OFFSET 0) AS n
  WHERE o.oprname = ANY ($8::name[]) AND o.oid < 16384 AND l.oid >= 16384
), tree (oid) AS (
  SELECT oid FROM rel WHERE oid >= 16384 AND $12
  UNION ALL
  SELECT h.inhrelid FROM tree CROSS JOIN LATERAL (SELECT h.inhrelid FROM pg_catalog.pg_inherits AS h WHERE h.inhparent = tree.oid OFFSET 0) AS h
), planned AS (
  SELECT f.oid, 'a constraint, index, key or statistic of ' || c.relname AS of
  FROM tree
  CROSS JOIN LATERAL (SELECT c.oid, c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = tree.oid OFFSET 0) AS c
  CROSS JOIN LATERAL (
    SELECT 1259 AS class, c.oid
    UNION ALL SELECT 1259, x.indexrelid FROM pg_catalog.pg_index AS x WHERE x.indrelid = c.oid
    UNION ALL SELECT 2606, con.oid FROM pg_catalog.pg_constraint AS con WHERE con.conrelid = c.oid AND con.contype = 'c'
    UNION ALL SELECT 3381, s.oid FROM pg_catalog.pg_statistic_ext AS s WHERE s.stxrelid = c.oid
    UNION ALL SELECT 2604, d.oid FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = c.oid AND EXISTS (
      SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = 'v')
    OFFSET 0) AS part
  ` + dependencies + `
), had AS MATERIALIZED (
  SELECT base AS oid FROM named UNION ALL SELECT oid FROM columns UNION ALL SELECT pg_catalog.unnest($11::oid[])
  UNION ALL
  SELECT u.oid
  FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (oid)
  WHERE p.proname = ANY ($4::name[])
), compared (oid) AS (
  SELECT oid FROM had UNION SELECT oid FROM parts UNION SELECT result FROM overloads
  UNION
  SELECT part.oid
  FROM compared
  CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type AS t WHERE t.oid = compared.oid OFFSET 0) AS t
  CROSS JOIN LATERAL (
    SELECT t.typelem WHERE t.typcategory = 'A' OR t.oid IN (SELECT oid FROM columns) UNION ALL SELECT t.typbasetype
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range AS r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    UNION ALL SELECT o.oprresult FROM pg_catalog.pg_operator AS o WHERE o.oprname = ANY ($8::name[]) AND t.oid IN (o.oprleft, o.oprright)) AS part (oid)
  WHERE part.oid <> 0
), anything AS MATERIALIZED (
  SELECT FROM poly
  UNION ALL
  -- What a record holds is known where arguments are for output.
  SELECT FROM called
  WHERE oid >= 16384 AND (prorettype IN (2249, 2287) AND (proargmodes && '{o,b,t}') IS NOT TRUE OR proallargtypes && '{2249,2287}')
  UNION ALL
  SELECT FROM overloads WHERE result IN (2249, 2287)
), orders AS (
  SELECT u.oid, 'the order of type ' || pg_catalog.format_type(o.opcintype, NULL) AS of
  FROM pg_catalog.pg_opclass AS o
  CROSS JOIN LATERAL (
    SELECT a.amproc::oid FROM pg_catalog.pg_amproc AS a WHERE a.amprocfamily = o.opcfamily
    UNION ALL SELECT op.oprcode FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS op ON op.oid = a.amopopr WHERE a.amopfamily = o.opcfamily) AS u (oid)
  WHERE o.oid >= 16384 AND o.opcdefault AND o.opcmethod IN (403, 405)
    AND (o.opcintype IN (SELECT oid FROM compared) OR EXISTS (SELECT FROM anything))
  UNION ALL
  SELECT u.oid, 'operator family ' || f.opfname
  FROM (
    SELECT a.amproc::oid, a.amprocfamily FROM pg_catalog.pg_amproc AS a WHERE a.oid >= 16384
    UNION ALL SELECT op.oprcode, a.amopfamily FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS op ON op.oid = a.amopopr WHERE a.oid >= 16384) AS u (oid, family)
  JOIN pg_catalog.pg_opfamily AS f ON f.oid = u.family AND f.oid < 16384 AND f.opfmethod IN (403, 405)
), generic AS MATERIALIZED (
  SELECT FROM pg_catalog.pg_proc AS p WHERE p.proname = ANY ($4::name[]) AND p.proargtypes::oid[] && '{2283,5077}'
  UNION ALL
  SELECT FROM pg_catalog.pg_operator AS o
  WHERE o.oprname = ANY ($8::name[]) AND o.oprresult <> 16 AND '{2283,2277,5077,5078}' && ARRAY[o.oprleft, o.oprright]
), domains AS (
  SELECT d.refobjid AS oid, 'domain ' || used.typname AS of
  FROM used JOIN pg_catalog.pg_constraint AS c ON c.contypid = used.oid
  JOIN pg_catalog.pg_depend AS d ON d.classid = 2606 AND d.objid = c.oid AND d.refclassid = 1255 AND d.refobjid >= 16384
  WHERE used.typtype = 'd' AND (used.named OR EXISTS (SELECT FROM generic)
    OR used.oid NOT IN (SELECT oid FROM columns UNION ALL SELECT oid FROM given)
    OR EXISTS (SELECT FROM used AS u JOIN pg_catalog.pg_attribute AS a ON a.attrelid = u.typrelid AND a.atttypid = used.oid WHERE u.typrelid <> 0)
    OR EXISTS (SELECT FROM used AS u LEFT JOIN pg_catalog.pg_range AS r ON r.rngtypid = u.oid WHERE used.oid IN (u.typelem, r.rngsubtype)))
), built AS (
  SELECT f.oid, 'type ' || used.typname AS of
  FROM used
  CROSS JOIN LATERAL (
    SELECT u.f FROM pg_catalog.unnest(ARRAY[used.typinput, used.typoutput, used.typmodin, used.typsubscript]) AS u (f)
    UNION ALL SELECT u.f FROM pg_catalog.pg_range AS r, pg_catalog.unnest(ARRAY[r.rngcanonical, r.rngsubdiff]) AS u (f) WHERE r.rngtypid = used.oid
    UNION ALL SELECT p.amproc FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_opclass AS c ON c.oid = r.rngsubopc JOIN pg_catalog.pg_amproc AS p ON p.amprocfamily = c.opcfamily
    WHERE r.rngtypid = used.oid) AS f (oid)
  WHERE f.oid >= 16384
), w AS MATERIALIZED (
  SELECT 'function' AS what, p.ord, p.oid, '' AS of
  FROM called AS p
  WHERE p.oid NOT IN (SELECT oid FROM apart WHERE NOT operator) OR EXISTS (SELECT FROM types WHERE types.oid = p.argument)
  UNION ALL
  SELECT DISTINCT 'operator', o.ord, f.oid, 'operator ' || o.name
  FROM overloads AS o
  CROSS JOIN LATERAL (SELECT 2617 AS refclassid, o.oid AS refobjid) AS d
  ` + functionsOf + `
  WHERE o.operator AND (o.oid NOT IN (SELECT oid FROM apart WHERE operator) OR EXISTS (SELECT FROM types WHERE types.oid IN (o.l, o.r)))
  UNION ALL
  SELECT 'cast', 0, oid, of FROM casts
  UNION ALL
  SELECT 'cast', 0, oid, of FROM domains
  UNION ALL
  SELECT 'cast', 0, oid, of FROM linked
  UNION ALL
  SELECT DISTINCT f.what, 0, f.oid, f.of
  FROM (SELECT 'implied' AS what, oid, of FROM planned UNION ALL SELECT 'implied', oid, of FROM built
    UNION ALL SELECT 'order', oid, of FROM orders WHERE oid >= 16384) AS f
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
    WHERE d.classid = 1255 AND d.objid = f.oid AND d.deptype = 'e' AND p.prolang IN (12, 13))
)
SELECT 'database', 0, 0, pg_catalog.getdatabaseencoding(), pg_catalog.current_database(), '', false, false, false, '', '', ''
UNION ALL
SELECT 'relation', rel.ord, c.oid, c.nspname, c.relname, c.relkind, c.oid < 16384,
  c.relkind = 'f' OR c.relhassubclass AND EXISTS (
    WITH RECURSIVE tree AS (
      SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = c.oid
      UNION SELECT h.inhrelid FROM tree CROSS JOIN LATERAL (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = tree.inhrelid OFFSET 0) AS h)
    SELECT FROM tree CROSS JOIN LATERAL (SELECT relkind FROM pg_catalog.pg_class AS child WHERE child.oid = tree.inhrelid OFFSET 0) AS child
    WHERE child.relkind = 'f'),
  c.relrowsecurity, '', coalesce(c.extension, ''), ''
FROM rel CROSS JOIN LATERAL (
  SELECT c.oid, c.relname, c.relkind, c.relhassubclass, c.relrowsecurity, n.nspname, (
    SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
    WHERE d.classid = 1259 AND d.objid = c.oid AND d.deptype = 'e' LIMIT 1) AS extension
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = rel.oid OFFSET 0) AS c
UNION ALL
SELECT 'type', named.ord, t.oid, t.nspname, t.typname, '', t.oid < 16384, t.is_row, false, '', t.extension, ''
FROM named CROSS JOIN LATERAL (
  SELECT t.oid, n.nspname, t.typname, EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS is_row, (
    SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
    WHERE d.classid = 1247 AND d.objid = t.oid AND d.deptype = 'e' LIMIT 1) AS extension
  FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE t.oid = named.base OFFSET 0) AS t
UNION ALL
SELECT 'domain', 0, used.oid, '', '', '', false, false, false, '', '', '' FROM used WHERE used.typtype = 'd'
UNION ALL (` + functionColumns + `)`

// dependencies gives the functions f that an object part (class, oid) depends on; what is of PostgreSQL's own is not recorded.
// functionsOf gives those behind an object d (refclassid, refobjid): a function, an operator with its negator, its commutator and
// what sorts and hashes by it, an operator class or family.
const (
	dependencies = `CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend AS d
    WHERE d.classid = part.class AND d.objid = part.oid AND d.refclassid IN (1255, 2616, 2617, 2753) AND d.refobjid >= 16384 OFFSET 0) AS d
  ` + functionsOf

	functionsOf = `CROSS JOIN LATERAL (
    SELECT d.refobjid AS oid WHERE d.refclassid = 1255
    UNION ALL
    SELECT n.oprcode FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_operator AS n ON n.oid IN (o.oid, o.oprnegate, o.oprcom)
    WHERE d.refclassid = 2617 AND o.oid = d.refobjid AND n.oprcode <> 0
    UNION ALL
    SELECT u.f
    FROM (
      SELECT c.opcfamily FROM pg_catalog.pg_opclass AS c WHERE d.refclassid = 2616 AND c.oid = d.refobjid
      UNION SELECT d.refobjid WHERE d.refclassid = 2753
      UNION SELECT a.amopfamily FROM pg_catalog.pg_amop AS a WHERE d.refclassid = 2617 AND a.amopopr = d.refobjid) AS x (family)
    CROSS JOIN LATERAL (
      SELECT a.amproc::oid FROM pg_catalog.pg_amproc AS a WHERE a.amprocfamily = x.family
      UNION ALL SELECT op.oprcode FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS op ON op.oid = a.amopopr WHERE a.amopfamily = x.family) AS u (f)
    WHERE u.f >= 16384 OFFSET 0) AS f`
)

// inPath holds of the schema n of what the name i may stand for; catalogFirst if pg_catalog is searched before it.
const (
	inPath = `CASE i.schema WHEN '' THEN n.nspname = ANY (pg_catalog.current_schemas(true)) ELSE n.nspname = i.schema END`

	catalogFirst = `pg_catalog.array_position(pg_catalog.current_schemas(true), 'pg_catalog')
            <= pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname)`
)

// resolvedSink is the sink of resolveSQL.
type resolvedSink struct {
	st       *sqlscan.Statement
	resolved *Resolved
}

// Columns implements postgres.Sink.
func (s *resolvedSink) Columns([]postgres.Column) {
	s.resolved = newResolved(s.st)
}

// Row implements postgres.Sink.
func (s *resolvedSink) Row(v [][]byte) bool {
	f := s.resolved
	ord, _ := strconv.Atoi(string(v[1]))
	switch i := ord - 1; string(v[0]) {
	case "database":
		f.Encoding, f.Database = string(v[3]), string(v[4])
	case "relation":
		f.Relations[i] = &Relation{OID: pgtext.OID(v[2]), Schema: string(v[3]), Name: string(v[4]), Kind: v[5][0], System: isTrue(v[6]),
			Foreign: isTrue(v[7]), RowSecurity: isTrue(v[8]), Extension: string(v[10])}
	case "type":
		list, i := f.Types, i
		if i >= len(list) {
			list, i = f.Conversions, i-len(list)
		}
		list[i] = append(list[i], Type{Schema: string(v[3]), Name: string(v[4]), System: isTrue(v[6]), Row: isTrue(v[7]), Extension: string(v[10])})
	case "domain":
		f.Domains = append(f.Domains, pgtext.OID(v[2]))
	case "function":
		f.Functions[i] = append(f.Functions[i], functionRow(v))
	case "order":
		f.Orders = append(f.Orders, functionRow(v))
	case "cast":
		f.Casts = append(f.Casts, functionRow(v))
	case "operator":
		f.Operators[i] = append(f.Operators[i], functionRow(v))
	default:
		f.Implied = append(f.Implied, functionRow(v))
	}
	return true
}

// functionRow reads a row of functionColumns.
func functionRow(v [][]byte) Function {
	return Function{OID: pgtext.OID(v[2]), Schema: string(v[3]), Name: string(v[4]), Kind: v[5][0], System: isTrue(v[6]), Inner: isTrue(v[7]),
		Language: string(v[9]), Extension: string(v[10]), Of: string(v[11])}
}

func isTrue(v []byte) bool { return string(v) == "t" }

// resolve asks the database about the names of a statement, as the search path and role of id find them.
// values are the types of those that it has from elsewhere.
func (g *Guard) resolve(ctx context.Context, st *sqlscan.Statement, values []uint32, id *postgres.Identity, role *Role) (*Resolved, error) {
	var relations, functions, operators, types names
	var own, notation []string
	for _, r := range st.Relations {
		relations.add(r.Schema, r.Name)
	}
	for _, f := range st.Functions {
		functions.add(f.Schema, f.Name)
		own = append(own, strconv.FormatBool(!OwnFunction(f.Name, role)))
		n := f.Syntax
		if f.Field {
			n = 1
		}
		notation = append(notation, strconv.Itoa(n))
	}
	for _, o := range st.Operators {
		operators.add(o.Schema, o.Name)
	}
	for _, t := range st.Types {
		types.add(t.Schema, t.Name)
	}
	if len(st.Constructs) > 0 {
		values = append(slices.Clone(values), jsonType, xmlType)
	}
	sink := &resolvedSink{st: st}
	args := [][]byte{pgtext.Array(relations.schemas), pgtext.Array(relations.names), pgtext.Array(functions.schemas), pgtext.Array(functions.names),
		pgtext.Array(own), pgtext.Array(notation), pgtext.Array(operators.schemas), pgtext.Array(operators.names), pgtext.Array(types.schemas), pgtext.Array(types.names), oidSet(values), strconv.AppendBool(nil, g.ReadOnly)}
	if _, err := g.DB.Run(ctx, postgres.Call{SQL: resolveSQL, Args: args, Keep: true, Generic: true, Identity: id}, sink); err != nil {
		return nil, err
	}
	if g.ReadOnly && MayShowSecrets(st) {
		return sink.resolved, g.secrets(ctx, id, &sink.resolved.Secrets)
	}
	return sink.resolved, nil
}

// secretsSQL says which secrets of the server the login can read: by statistics, settings, and settings of roles and databases.
const secretsSQL = `
SELECT 'statistics' FROM pg_catalog.pg_stats AS s
WHERE s.schemaname = 'pg_catalog'
  AND (s.tablename, s.attname) IN (('pg_authid', 'rolpassword'), ('pg_largeobject', 'data'), ('pg_subscription', 'subconninfo'), ('pg_user_mapping', 'umoptions'),
    ('pg_db_role_setting', 'setconfig'))
  AND (s.most_common_vals IS NOT NULL OR s.histogram_bounds IS NOT NULL OR s.most_common_elems IS NOT NULL)
UNION
SELECT 'settings' FROM pg_catalog.pg_settings AS s WHERE s.vartype = 'string' AND s.setting <> '' AND s.name ~* $1
UNION
SELECT 'role settings' FROM pg_catalog.pg_db_role_setting AS s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
WHERE pg_catalog.split_part(c.setting, '=', 1) ~* $1`

func (g *Guard) secrets(ctx context.Context, id *postgres.Identity, s *Secrets) error {
	var found secretNames
	call := postgres.Call{SQL: secretsSQL, Args: [][]byte{[]byte(SecretSetting)}, Keep: true, Generic: true, Identity: id}
	if _, err := g.DB.Run(ctx, call, &found); err != nil {
		return err
	}
	for _, name := range found {
		s.Statistics = s.Statistics || name == "statistics"
		s.Settings = s.Settings || name == "settings"
		s.RoleSettings = s.RoleSettings || name == "role settings"
	}
	return nil
}

// secretNames is the sink of secretsSQL.
type secretNames []string

// Columns implements postgres.Sink.
func (n *secretNames) Columns([]postgres.Column) { *n = nil }

// Row implements postgres.Sink.
func (n *secretNames) Row(v [][]byte) bool { *n = append(*n, string(v[0])); return true }

// The types of what parts of the language make, such as JSON_ARRAY and XMLELEMENT.
const jsonType, xmlType = 114, 142

type names struct{ schemas, names []string }

func (n *names) add(schema, name string) {
	n.schemas, n.names = append(n.schemas, schema), append(n.names, name)
}
