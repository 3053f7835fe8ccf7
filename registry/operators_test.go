package registry_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// madeType makes a type u of an extension, with functions whose code can't be looked at, and a table with a column of it.
const madeType = `
CREATE TYPE u;
CREATE FUNCTION u_in(cstring) RETURNS u LANGUAGE internal IMMUTABLE STRICT AS 'int8in';
CREATE FUNCTION u_out(u) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out';
CREATE TYPE u (INPUT = u_in, OUTPUT = u_out, LIKE = int8 %s);
CREATE FUNCTION op(u, u) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8eq';
CREATE FUNCTION op(int8, u) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8eq';
CREATE FUNCTION op(u, int8) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8eq';
CREATE FUNCTION op(text, u) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8eq';
CREATE FUNCTION op(u) RETURNS u LANGUAGE internal IMMUTABLE STRICT AS 'int8um';
CREATE FUNCTION sum_of(u, u) RETURNS u LANGUAGE internal IMMUTABLE STRICT AS 'int8pl';
DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP EXECUTE 'ALTER EXTENSION plpgsql ADD FUNCTION ' || f; END LOOP;
END $$;
ALTER EXTENSION plpgsql ADD TYPE u;
CREATE TABLE plain (id int, name text, at timestamptz, data jsonb, n numeric);
CREATE TABLE clocks (id int, v u);
`

// systemTable lets operators be made in pg_catalog, as Citus does.
const systemTable = "SET allow_system_table_mods = on;"

func operator(name, args string) string {
	function, left, right := "op", "", args
	if l, r, binary := strings.Cut(args, ","); binary {
		left, right = "LEFTARG = "+l+",", r
	}
	if args == "u,u" && name == "+" {
		function = "sum_of"
	}
	return fmt.Sprintf("CREATE OPERATOR %s (FUNCTION = %s, %s RIGHTARG = %s);", name, function, left, right)
}

// TestOperatorsApart has operators like those of Citus and of common extensions: what can't mean them is served, in read-only mode
// and under a role, and what can is refused.
func TestOperatorsApart(t *testing.T) {
	url := pgtest.URL(t)
	var setup strings.Builder
	fmt.Fprintf(&setup, madeType, "")
	for _, name := range []string{"=", "<>", "<", "<=", ">", ">=", "+", "-", "||", "~~", "*", "/", "@>"} {
		setup.WriteString(operator("pg_catalog."+name, "u,u"))
	}
	setup.WriteString(operator("pg_catalog.+", "u,int8") + operator("-", "u") + operator("~~", "text,u") + operator("<", "int8,u"))
	setup.WriteString(`CREATE FUNCTION gives() RETURNS SETOF u LANGUAGE sql AS 'SELECT v FROM clocks';
		CREATE FUNCTION out_of(OUT a u, OUT b int) LANGUAGE sql AS 'SELECT v, id FROM clocks';
		CREATE FUNCTION same(a u, b u) RETURNS bool LANGUAGE sql AS 'SELECT a = b';
		CREATE FUNCTION same_any(a anyelement) RETURNS bool LANGUAGE sql AS 'SELECT a = a';
		CREATE FUNCTION fine(a int) RETURNS bool LANGUAGE sql AS 'SELECT a = 1 AND id = a FROM plain';
		CREATE FUNCTION copies() RETURNS bool LANGUAGE plpgsql AS 'DECLARE a clocks.v%TYPE; BEGIN RETURN a = a; END';
		CREATE FUNCTION rows() RETURNS bool LANGUAGE plpgsql AS 'DECLARE r record; BEGIN SELECT * INTO r FROM clocks; RETURN r.v = r.v; END';
		CREATE VIEW good AS SELECT p.id FROM plain p JOIN plain q USING (id) WHERE p.n = 1;
		CREATE VIEW bad AS SELECT id FROM clocks WHERE v = v;
		CREATE DOMAIN checked AS u CHECK (VALUE = VALUE);
		CREATE TABLE guarded (v u); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON guarded USING (v = v);
		CREATE TYPE pair AS (a u, b int);
		CREATE TYPE span AS RANGE (subtype = int4);
		CREATE VIEW policed AS SELECT 1 FROM guarded;`)
	pgtest.Exec(t, url, systemTable+setup.String())
	readOnly := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	permissions := build(t, registry.Config{DB: openDB(t, url)}, nil)
	role := &guard.Role{Name: "reader", Schemas: []string{"public"}, AllTables: true, AllTools: true, Operations: 1,
		Functions: []guard.Table{{Name: "gives"}, {Name: "out_of"}, {Name: "same_any"}}}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	for _, sql := range []string{
		"SELECT 1=1", "SELECT 1+1, 2-1, -1, 2*3, 4/2", "SELECT 'a'||'b', 'a' || 1, 'a' = 'b', 'a' < 'b'", "SELECT NULL = NULL",
		"SELECT * FROM plain WHERE id = 1 AND name = 'x' AND name LIKE 'a%' AND at < now() - interval '1 day'",
		"SELECT * FROM plain a JOIN plain b USING (id, name) WHERE a.id IN (1, 2) AND b.n BETWEEN 1 AND 2", "SELECT 1 FROM plain a NATURAL JOIN plain b",
		"SELECT * FROM plain WHERE id IN (SELECT id FROM plain) AND id = ANY (ARRAY[1]) AND (id, name) = (1, 'x') AND id IS DISTINCT FROM 3",
		"SELECT nullif(id, 1), CASE id WHEN 1 THEN 2 END, data @> '{}', now() - at, at + interval '1 h', n + 1.5 FROM plain",
		"SELECT 1 OPERATOR(pg_catalog.=) 1", "SELECT id FROM clocks", "SELECT 1 OPERATOR(pg_catalog.=) 1 FROM clocks",
		"SELECT * FROM clocks WHERE id = 1 AND id IN (1, 2) ORDER BY 1", "SELECT count(*) FROM clocks c JOIN plain USING (id) WHERE c.id < 5 + 1",
		"SELECT EXISTS (SELECT * FROM clocks c WHERE c.id = p.id) FROM plain p", "WITH s AS (SELECT * FROM clocks) SELECT id FROM s WHERE id = 1",
		"SELECT id, c.v FROM clocks c WHERE id = 1 AND NOT id > 7", "SELECT v FROM (SELECT v, id FROM clocks) s WHERE id = 1",
		"SELECT id, v FROM (SELECT * FROM plain WHERE id = 1) p CROSS JOIN LATERAL (SELECT NULL AS v) x", "SELECT 'x'::name = 'y'::text, 1::int2 + 1::int8, 1 + 2.5::float8",
	} {
		args, _ := json.Marshal(map[string]string{"sql": sql, "format": "csv"})
		if got, isError := call(t, readOnly, "query", string(args)); isError {
			t.Errorf("read-only mode: %s = %s, want it served", sql, got)
		}
		if got, isError := callAs(as, t, permissions, sql); isError {
			t.Errorf("a role: %s = %s, want it served", sql, got)
		}
	}
	for _, sql := range []string{
		"SELECT fine(1)", "SELECT * FROM good",
	} {
		if got, isError := callAs(t.Context(), t, readOnly, sql); isError {
			t.Errorf("read-only mode: %s = %s, want it served", sql, got)
		}
	}
	const refused = `operator .* calls function public\.`
	for _, sql := range []string{
		"SELECT * FROM clocks WHERE v = v", "SELECT * FROM clocks WHERE v = '1'", "SELECT '1' = '1'::u", "SELECT gives() = gives()", "SELECT a = a FROM out_of()",
		"SELECT * FROM clocks a JOIN clocks b USING (v)", "SELECT 1 FROM clocks WHERE v IN ('1')", "SELECT nullif(v, '1') FROM clocks",
		"SELECT CASE v WHEN '1' THEN 1 END FROM clocks", "SELECT * FROM clocks WHERE v BETWEEN '1' AND '2'",
		"SELECT a = a FROM json_to_record('{}') AS t (a u)", "SELECT (x).a = (x).a FROM json_populate_record(NULL::pair, '{}') x",
		"SELECT x = ANY (ARRAY['1']::u[]) FROM unnest('{}'::u[]) x", "SELECT - v FROM clocks", "SELECT 1 < v FROM clocks",
		"SELECT v OPERATOR(pg_catalog.=) '1' FROM clocks", "SELECT row(v) = row(v) FROM clocks",
		"SELECT 1 FROM (SELECT * FROM clocks) AS s (a, b) WHERE b = '1'", "SELECT 1 FROM clocks AS s (a, b) WHERE b = '1'",
		"WITH s (a, b) AS (SELECT * FROM clocks) SELECT 1 FROM s WHERE b = '1'", "SELECT '1' IN (SELECT v FROM clocks)", "SELECT (1, '1') IN (SELECT * FROM clocks)",
		"SELECT (1, '1') = ANY (TABLE clocks)", "SELECT 1 FROM clocks a NATURAL JOIN clocks b", "SELECT * FROM clocks ORDER BY 2 USING <",
		"SELECT 1 FROM (SELECT v AS b FROM clocks) s WHERE b = '1'", "SELECT (SELECT v FROM clocks) = '1'", "SELECT 1 FROM (SELECT v FROM clocks) s WHERE v = '1'",
		"SELECT 1 FROM (SELECT NULL AS b UNION ALL SELECT v FROM clocks) s WHERE b = '1'", "SELECT ARRAY(SELECT v FROM clocks) = '{1}'",
		"SELECT 1 FROM (SELECT c FROM clocks c) s WHERE (s.c).v = '1'", "SELECT (c).v = '1' FROM clocks c",
		"SELECT 1 FROM (SELECT 1 AS a, NULL AS b UNION ALL SELECT * FROM clocks) s WHERE b = '1'", "SELECT (SELECT c.* FROM (SELECT v FROM clocks) c) = '1'",
		"SELECT 1 FROM (clocks c JOIN plain p USING (id)) AS j (a, b) WHERE b = '1'", "SELECT row(c.*) = row(c.*) FROM clocks c",
	} {
		for who, got := range map[string]func() (string, bool){
			"read-only mode": func() (string, bool) { return callAs(t.Context(), t, readOnly, sql) },
			"a role":         func() (string, bool) { return callAs(as, t, permissions, sql) },
		} {
			if answer, isError := got(); !isError || !regexp.MustCompile(refused).MatchString(answer) {
				t.Errorf("%s: %s = %s, want it refused", who, sql, answer)
			}
		}
	}
	for _, sql := range []string{
		"SELECT same('1', '1')", "SELECT same_any(1)", "SELECT same_any(v) FROM clocks", "SELECT copies()", "SELECT rows()", "SELECT * FROM bad",
		"SELECT '1'::checked", "SELECT * FROM policed",
	} {
		if got, isError := callAs(t.Context(), t, readOnly, sql); !isError || !regexp.MustCompile(refused).MatchString(got) {
			t.Errorf("read-only mode: %s = %s, want it refused", sql, got)
		}
	}
}

// TestOperatorsAsResolved holds the guard against PostgreSQL: whatever operator it takes for two of its own values or literals
// is not one that the guard holds to be apart.
func TestOperatorsAsResolved(t *testing.T) {
	function := func(from, method string) string {
		return fmt.Sprintf("CREATE FUNCTION %s_u(%[1]s) RETURNS u LANGUAGE internal IMMUTABLE STRICT AS '%s'; CREATE CAST (%[1]s AS u) WITH FUNCTION %[1]s_u(%[1]s) AS IMPLICIT;", from, method)
	}
	names := []string{"=", "<", "+", "||", "~~", "@>", "<<", "^", "->", "&&"}
	functions := []string{"abs", "lower", "length", "date"}
	binary := []string{"u,u", "u,int8", "int8,u", "text,u"}
	tests := []struct {
		name, options, casts string
		args                 []string
		served               []string // operators that must be apart
	}{
		{name: "any array", args: []string{"anyarray,anyarray"}, served: []string{"=", "<", "+", "||", "~~", "<<", "^", "->"}},
		{name: "plain", args: binary, served: []string{"=", "<", "abs", "lower", "length"}},
		{name: "alone", args: binary[:1], served: names},
		{name: "string", options: ", CATEGORY = 'S'", args: binary[:1], served: []string{"=", "<", "||", "~~"}},
		{name: "preferred string", options: ", CATEGORY = 'S', PREFERRED = true", args: binary[:1]},
		{name: "number", options: ", CATEGORY = 'N'", args: binary[:1], served: []string{"=", "<", "+"}},
		{name: "preferred number", options: ", CATEGORY = 'N', PREFERRED = true", args: binary},
		{name: "from text", casts: function("text", "int8in"), args: binary[:1], served: []string{"=", "<", "||", "~~"}},
		{name: "from numbers", casts: function("int4", "int48") + function("float8", "dtoi8"), args: binary, served: nil},
		{name: "from numbers alone", casts: function("int4", "int48") + function("float8", "dtoi8"), args: binary[:1], served: []string{"=", "<", "+"}},
	}
	values := []string{"'1'", "NULL", "1", "1::int8", "1::int2", "1.5", "1.5::float8", "1.5::float4", "'x'::text", "'x'::varchar", "'x'::name", "'x'::bpchar", "'{}'::jsonb", "now()", "'{1}'::int[]", "'1 h'::interval"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.URL(t)
			var setup strings.Builder
			fmt.Fprintf(&setup, madeType+test.casts, test.options)
			setup.WriteString("CREATE FUNCTION op(anyarray, anyarray) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'array_eq';")
			for _, name := range names {
				for _, args := range test.args {
					setup.WriteString(operator(name, args))
				}
			}
			setup.WriteString(operator("-", "u"))
			for _, f := range functions {
				setup.WriteString("CREATE FUNCTION " + f + "(u) RETURNS u LANGUAGE internal IMMUTABLE STRICT AS 'int8um';")
			}
			pgtest.Exec(t, url, setup.String()+`CREATE FUNCTION meant(e text) RETURNS bool LANGUAGE plpgsql AS $$
				DECLARE found bool;
				BEGIN
				  EXECUTE 'CREATE VIEW tried AS SELECT ' || e || ' AS c';
				  SELECT count(*) > 0 INTO found FROM pg_depend d JOIN pg_rewrite r ON d.classid = 2618 AND d.objid = r.oid
				  WHERE r.ev_class = 'tried'::regclass AND d.refclassid IN (2617, 1255) AND d.refobjid >= 16384;
				  DROP VIEW tried;
				  RETURN found;
				EXCEPTION WHEN OTHERS THEN RETURN false;
				END $$`)
			r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
			values := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return test.name == "any array" && strings.HasSuffix(v, "[]") })
			list := "ARRAY['" + strings.Join(escaped(values), "','") + "']"
			for _, name := range slices.Concat(names, functions, []string{"prefix -"}) {
				expression, sql := "a || ' "+name+" ' || b", "SELECT '1' "+name+" '1'"
				switch {
				case name == "prefix -":
					expression, sql = "'- ' || a", "SELECT - '1'"
				case slices.Contains(functions, name):
					expression, sql = "'"+name+"(' || a || ')'", "SELECT "+name+"('1')"
				}
				meant := pgtest.Value(t, url, "SELECT string_agg(DISTINCT "+expression+", '; ') FROM unnest("+list+") a, unnest("+list+") b WHERE meant("+expression+")")
				got, _ := callAs(t.Context(), t, r, sql)
				refused := strings.Contains(got, `"code":"read_only"`)
				if meant != "" && !refused {
					t.Errorf("%s is served, and can be meant: %.300s", name, meant)
				}
				for _, s := range test.served {
					if s == name && refused {
						t.Errorf("%s is refused, and can't be meant: %s", name, got)
					}
				}
			}
		})
	}
}

func escaped(values []string) []string {
	var all []string
	for _, v := range values {
		all = append(all, strings.ReplaceAll(v, "'", "''"))
	}
	return all
}
