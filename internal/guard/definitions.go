package guard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// What stands behind the names of a statement in read-only mode is looked at too: views, policies, bodies of functions,
// domains, and what stands behind those.

// maxDefinitions bounds what is looked at for one statement.
const maxDefinitions = 200

// pinned is the search path under which definitions are read: PostgreSQL then writes every other name with its schema.
const pinned = "pg_catalog, pg_temp"

// definitionsSQL gives the definitions of the views $1, of the policies on the tables $2, of the functions $3 and of the
// domains $4: a label, the kind of text, the text, the search path that a function brings along, and the types of the values that
// the text has from elsewhere: columns, arguments. Those of a function are its body, the defaults of its arguments, and its
// types: a value that becomes one of a domain is checked.
const definitionsSQL = `
SELECT 'view ' || c.oid::pg_catalog.regclass, 'query', pg_catalog.pg_get_viewdef(c.oid), NULL::text, '{}'::oid[]
FROM pg_catalog.pg_class AS c WHERE c.oid = ANY ($1::oid[])
UNION ALL
SELECT pg_catalog.format('policy %s on %s', p.polname, p.polrelid::pg_catalog.regclass), 'expression', pg_catalog.pg_get_expr(p.polqual, p.polrelid), NULL,
  ARRAY[(SELECT c.reltype FROM pg_catalog.pg_class AS c WHERE c.oid = p.polrelid)]
FROM pg_catalog.pg_policy AS p WHERE p.polrelid = ANY ($2::oid[]) AND p.polqual IS NOT NULL
UNION ALL
SELECT 'domain ' || pg_catalog.format_type(c.contypid, NULL), 'expression', pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '^CHECK | NOT VALID$', '', 'g'), NULL,
  ARRAY[c.contypid]
FROM pg_catalog.pg_constraint AS c WHERE c.contypid = ANY ($4::oid[]) AND c.contype = 'c'
UNION ALL
SELECT 'function ' || p.oid::pg_catalog.regproc,
  CASE WHEN p.prokind = 'a' THEN 'aggregate' WHEN l.lanname = 'plpgsql' THEN 'plpgsql' WHEN p.prosqlbody IS NOT NULL THEN 'body' ELSE 'sql' END,
  CASE WHEN p.prokind = 'a' THEN '' WHEN l.lanname = 'plpgsql' THEN pg_catalog.pg_get_functiondef(p.oid)
       WHEN p.prosqlbody IS NOT NULL THEN pg_catalog.pg_get_function_sqlbody(p.oid) ELSE p.prosrc END,
  (SELECT pg_catalog.substr(s.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ^@ 'search_path='),
  p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang WHERE p.oid = ANY ($3::oid[])
UNION ALL
SELECT 'function ' || p.oid::pg_catalog.regproc, 'expression', pg_catalog.pg_get_expr(p.proargdefaults, 0), NULL, '{}'
FROM pg_catalog.pg_proc AS p WHERE p.oid = ANY ($3::oid[]) AND p.proargdefaults IS NOT NULL
UNION ALL
SELECT DISTINCT 'function ' || p.oid::pg_catalog.regproc, 'expression', 'NULL::' || pg_catalog.format_type(t.oid, NULL), NULL::text, '{}'::oid[]
FROM pg_catalog.pg_proc AS p
CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[p.prorettype] || p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')) AS t (oid)
WHERE p.oid = ANY ($3::oid[]) AND t.oid >= 16384
UNION ALL
SELECT 'function ' || p.oid::pg_catalog.regproc, 'setting', s.setting, NULL, '{}'
FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.unnest(p.proconfig) AS s (setting)
WHERE p.oid = ANY ($3::oid[]) AND pg_catalog.split_part(s.setting, '=', 1) IN ('standard_conforming_strings', 'role', 'session_authorization')
UNION ALL
SELECT 'function ' || p.oid::pg_catalog.regproc, 'setting', 'search_path of its owner, who has a schema', NULL, '{}'
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.rolname
WHERE p.oid = ANY ($3::oid[]) AND p.prosecdef AND r.rolname <> current_user
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ^@ 'search_path=' AND pg_catalog.strpos(s.setting, '$user') = 0)`

// reachedSQL gives the functions that the views $1, the policies on the tables $2, the functions $3 and the domains $4 depend on,
// which their texts need not show (JOIN USING has an operator), and those that the aggregates among $3 are made of.
const reachedSQL = `
WITH part (class, oid, of) AS (
  SELECT 2618, r.oid, 'view ' || r.ev_class::pg_catalog.regclass FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = ANY ($1::oid[])
  UNION ALL
  SELECT 3256, p.oid, pg_catalog.format('policy %s on %s', p.polname, p.polrelid::pg_catalog.regclass) FROM pg_catalog.pg_policy AS p WHERE p.polrelid = ANY ($2::oid[])
  UNION ALL
  SELECT 1255, u.oid, 'function ' || u.oid::pg_catalog.regproc FROM pg_catalog.unnest($3::oid[]) AS u (oid)
  UNION ALL
  SELECT 2606, c.oid, 'domain ' || pg_catalog.format_type(c.contypid, NULL) FROM pg_catalog.pg_constraint AS c WHERE c.contypid = ANY ($4::oid[])
), w AS (
  SELECT 'implied' AS what, 0 AS ord, f.oid, part.of FROM part ` + dependencies + `
  UNION
  SELECT 'implied', 0, u.f, 'aggregate ' || a.aggfnoid::pg_catalog.regproc
  FROM pg_catalog.pg_aggregate AS a
  CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
    a.aggmfinalfn]) AS u (f)
  WHERE a.aggfnoid = ANY ($3::oid[]) AND u.f <> 0)` + functionColumns

// definition is a row of definitionsSQL.
type definition struct {
	label, kind, text string
	path              *string
	values            []uint32 // types
}

type definitions struct{ all []definition }

// Columns implements postgres.Sink.
func (d *definitions) Columns([]postgres.Column) { d.all = nil }

// Row implements postgres.Sink.
func (d *definitions) Row(v [][]byte) bool {
	def := definition{label: string(v[0]), kind: string(v[1]), text: string(v[2]), values: pgtext.ReadOIDs(v[4])}
	if v[3] != nil {
		path := string(v[3])
		def.path = &path
	}
	d.all = append(d.all, def)
	return true
}

// soundKey is all that a view or function does depends on: a body means what the search path makes of it.
type soundKey struct {
	login, path string
	oid         uint32
}

// expansion looks at what stands behind one statement.
type expansion struct {
	*Guard
	login string
	path  *postgres.Identity // of the session: bodies of functions run under it
	seen  map[soundKey]bool
}

// checkDefinitions decides on what the verdict names. The error is a refusal or one of the database.
func (x *expansion) checkDefinitions(ctx context.Context, v Verdict) error {
	v.Views, v.Policies, v.Functions, v.Domains = x.fresh(v.Views), x.fresh(v.Policies), x.fresh(v.Functions), x.fresh(v.Domains)
	if len(v.Views)+len(v.Policies)+len(v.Functions)+len(v.Domains) == 0 {
		return nil
	}
	if len(x.seen) > maxDefinitions {
		return &Refusal{Code: ReadOnly, Rule: "size", Message: fmt.Sprintf("more than %d views and functions stand behind the statement: they are not looked at", maxDefinitions)}
	}
	var found definitions
	call := postgres.Call{SQL: definitionsSQL, Args: [][]byte{oidSet(v.Views), oidSet(v.Policies), oidSet(v.Functions), oidSet(v.Domains)},
		Keep: true, Generic: true, Identity: &postgres.Identity{SearchPath: pinned}}
	if _, err := x.DB.Run(ctx, call, &found); err != nil {
		return err
	}
	for _, def := range found.all {
		if err := x.definition(ctx, def); err != nil {
			return within(err, def.label)
		}
	}
	sink := &resolvedSink{st: &sqlscan.Statement{Command: "SELECT"}}
	call.SQL = reachedSQL
	if _, err := x.DB.Run(ctx, call, sink); err != nil {
		return err
	}
	verdict, refusal := Restriction{ReadOnly: true}.Decide("", sink.st, sink.resolved)
	if refusal != nil {
		return refusal
	}
	return x.checkDefinitions(ctx, verdict)
}

func within(err error, label string) error {
	if r, ok := err.(*Refusal); ok {
		return r.Within(label)
	}
	return err
}

// fresh leaves out what has been looked at.
func (x *expansion) fresh(oids []uint32) []uint32 {
	x.memory.mu.Lock()
	defer x.memory.mu.Unlock()
	var all []uint32
	for _, oid := range oids {
		key := x.key(oid)
		if x.seen[key] {
			continue
		}
		if until, ok := x.memory.sound.Get(key); !ok || time.Now().After(until) {
			x.seen[key] = true
			all = append(all, oid)
		}
	}
	return all
}

// remember notes that all that was looked at is sound.
func (x *expansion) remember() {
	x.memory.mu.Lock()
	defer x.memory.mu.Unlock()
	until := time.Now().Add(rememberedFor)
	for key := range x.seen {
		x.memory.sound.Add(key, until)
	}
}

func (x *expansion) key(oid uint32) soundKey {
	k := soundKey{login: x.login, oid: oid}
	if x.path != nil {
		k.path = x.path.SearchPath
	}
	return k
}

func (x *expansion) definition(ctx context.Context, def definition) error {
	if def.path != nil { // it holds for what the function calls, too
		within := *x
		within.path = &postgres.Identity{SearchPath: *def.path}
		x = &within
	}
	path := &postgres.Identity{SearchPath: pinned}
	if def.kind == "sql" || def.kind == "plpgsql" {
		path = x.path
	}
	texts, err := statements(def)
	if err != nil {
		return &Refusal{Code: ReadOnly, Rule: "body", Message: "its body can't be looked at: " + err.Error()}
	}
	var all []*sqlscan.Statement
	for _, sql := range texts {
		st, err := x.analyzer.Analyze(sql)
		if err != nil {
			return &Refusal{Code: ReadOnly, Rule: "body", Message: "its body can't be looked at: " + err.Error()}
		}
		if r := (Restriction{ReadOnly: true}).Early(st); r != nil {
			return r
		}
		all = append(all, st)
	}
	return x.decide(ctx, strings.Join(texts, ";\n"), sqlscan.Together(all), def.values, path)
}

// statements are those of a definition.
func statements(def definition) ([]string, error) {
	switch def.kind {
	case "aggregate":
		return nil, nil
	case "setting":
		return nil, fmt.Errorf("it runs with the setting %s, which changes what its words mean", def.text)
	case "expression":
		return []string{"SELECT " + def.text}, nil
	case "query":
		return []string{def.text}, nil
	case "plpgsql":
		return sqlscan.PLpgSQL(def.text)
	}
	return sqlscan.Body(def.text), nil
}

// decide is the decision on a definition behind a statement, without a role: what an owner has built is the owner's right. Its
// statements are taken together, for a variable of one may hold what another gives.
func (x *expansion) decide(ctx context.Context, sql string, st *sqlscan.Statement, values []uint32, path *postgres.Identity) error {
	resolved, err := x.resolve(ctx, st, values, path, nil)
	if err != nil {
		return err
	}
	verdict, refusal := Restriction{ReadOnly: true}.Decide(sql, st, resolved)
	if refusal != nil {
		return refusal
	}
	if verdict.Unknown != "" { // to its owner it may be known
		return &Refusal{Code: ReadOnly, Rule: "body", Message: verdict.Unknown + " is not known: what stands behind it can't be looked at"}
	}
	return x.checkDefinitions(ctx, verdict)
}

// oidSet writes an array of OIDs, each once.
func oidSet(oids []uint32) []byte {
	return pgtext.OIDs(slices.Compact(slices.Sorted(slices.Values(oids))))
}
