package registry_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// plainStatements name nothing of an extension.
var plainStatements = []string{
	"SELECT 1=1", "SELECT 1+1, 2-1, -1, 2*3, 4/2, 5%2, 1.5 + 1", "SELECT 'a'||'b', 'a' < 'b', 'a' <> 'b'", "SELECT NULL = NULL",
	"SELECT * FROM plain WHERE id = 1 AND name = 'x' AND at < now() - interval '1 day'", "SELECT * FROM plain WHERE name LIKE 'a%' OR name ~ 'b'",
	"SELECT * FROM plain a JOIN plain b USING (id) WHERE a.id IN (1, 2) AND b.n BETWEEN 1 AND 2",
	"SELECT * FROM plain WHERE id IN (SELECT id FROM plain) AND id = ANY (ARRAY[1]) AND (id, name) = (1, 'x')",
	"SELECT nullif(id, 1), CASE id WHEN 1 THEN 2 END, data -> 'a', data ->> 'a', now() - at FROM plain",
	"SELECT name, count(*), sum(n), max(at) FROM plain GROUP BY name HAVING count(*) > 1 ORDER BY 1 DESC", "SELECT DISTINCT name FROM plain UNION SELECT 'x'",
}

// TestExtensions installs common extensions into public and reads a table that has none of their values, and one that has. What of
// theirs is not reviewed is refused. Which of the extensions are installed is up to the machine; with ENGINES=1 all must be.
func TestExtensions(t *testing.T) {
	tests := []struct {
		name         string
		not          []string // plain statements that an operator of the extension stands in the way of
		own          string   // a type with values in the table own, of the column v
		served, deny []string
	}{
		{name: "ip4r", own: "ip4r", served: []string{"SELECT v FROM own WHERE v >>= '10.0.0.1' AND v = '10.0.0.0/8'", "SELECT v FROM own"}},
		{name: "prefix", own: "prefix_range", served: []string{"SELECT * FROM own WHERE v @> '123' AND v = 'x'"}},
		{name: "pg_rational", own: "rational", served: []string{"SELECT v + 1 FROM own"}, deny: []string{"SELECT rational_intermediate(v, v) FROM own"}},
		{name: "hll", own: "hll", deny: []string{"SELECT v FROM own", "SELECT # v FROM own", "SELECT v || v FROM own", "SELECT hll_empty() = hll_empty()"}},
		{name: "semver", own: "semver", served: []string{"SELECT max(v) FROM own WHERE v > '1.0.0'", "SELECT to_semver('1') = '1.0.0'"}},
		{name: "numeral", own: "roman", served: []string{"SELECT v FROM own"}, deny: []string{"SELECT v + v FROM own", "SELECT 'I'::zahl = 'II'"}},
		{name: "asn1oid", own: "asn1oid", deny: []string{"SELECT * FROM own WHERE v = '1.2'"}},
		{name: "pgmp", not: plainStatements[8:9], own: "mpz", deny: []string{"SELECT v * v FROM own", "SELECT 1 << 2::bigint", "SELECT mpz '1' + 1"}},
		{name: "orafce", deny: []string{"SELECT dbms_random.random()", "SELECT utl_file.tmpdir()"}},
		{name: "pg_similarity", deny: []string{"SELECT 'a' ~== 'b'", "SELECT lev('a', 'b')"}},
		{name: "jsquery", not: plainStatements[5:6], deny: []string{"SELECT data @@ 'a = 1'::jsquery FROM plain"}},
		{name: "rum", own: "int[]", served: []string{"SELECT v FROM own WHERE id % 2 = 1", "SELECT n % 2 FROM plain"},
			deny: []string{"SELECT v % v FROM own", "SELECT ARRAY[1] % ARRAY[1]", "SELECT string_to_array(name, ',') % '{a}' FROM plain", "SELECT '{1}'::int[] % '{1}'",
				"SELECT ARRAY(SELECT 1) % '{1}'", "SELECT array_agg(n) % '{1}' FROM plain", "SELECT a % a FROM (SELECT * FROM own) AS s (i, a)",
				"SELECT a % a FROM json_to_record('{}') AS j (a int[])"}},
		{name: "q3c"}, {name: "periods"}, {name: "tdigest", own: "tdigest", deny: []string{"SELECT tdigest_percentile(v, 0.5) FROM own"}},
		{name: "first_last_agg", deny: []string{"SELECT first(name) FROM plain"}},
		{name: "citext", own: "citext", served: []string{"SELECT * FROM own WHERE v = 'x' AND v LIKE 'a%'"}},
		{name: "hstore", own: "hstore", served: []string{"SELECT v -> 'a', v = v FROM own"}},
		{name: "ltree", own: "ltree", served: []string{"SELECT * FROM own WHERE v <@ 'a.b' AND v = 'a'"}},
		{name: "cube", own: "cube", served: []string{"SELECT v <-> v, v = v FROM own"}}, {name: "seg", own: "seg", served: []string{"SELECT v = v FROM own"}},
		{name: "isn", own: "isbn", served: []string{"SELECT v = v FROM own"}}, {name: "intarray", own: "int[]", served: []string{"SELECT v && '{1}' FROM own"}},
		{name: "pg_trgm", served: []string{"SELECT name % 'x' FROM plain"}}, {name: "btree_gist"}, {name: "btree_gin"}, {name: "lo", own: "lo"},
		{name: "uuid-ossp", served: []string{"SELECT uuid_generate_v4()"}}, {name: "pgcrypto"}, {name: "tablefunc"}, {name: "bloom"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.URL(t)
			if pgtest.Value(t, url, "SELECT count(*) FROM pg_available_extensions WHERE name = '"+test.name+"'") == "0" {
				if os.Getenv("ENGINES") == "1" {
					t.Fatal("the extension is not installed")
				}
				t.Skip("the extension is not installed")
			}
			pgtest.Exec(t, url, `CREATE EXTENSION "`+test.name+`" CASCADE; CREATE TABLE plain (id int, name text, at timestamptz, data jsonb, n numeric)`)
			if test.own != "" {
				pgtest.Exec(t, url, "CREATE TABLE own (id int, v "+test.own+")")
			}
			readOnly := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
			permissions := build(t, registry.Config{DB: openDB(t, url)}, nil)
			role := &guard.Role{Name: "reader", Schemas: []string{"public"}, AllTables: true, AllTools: true, Operations: 1}
			as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
			both := func(sql string, served bool) {
				t.Helper()
				if got, isError := callAs(t.Context(), t, readOnly, sql); isError == served || !served && !strings.Contains(got, `"read_only"`) {
					t.Errorf("read-only mode: %s = %s, want it served: %v", sql, got, served)
				}
				if got, isError := callAs(as, t, permissions, sql); isError == served || !served && !strings.Contains(got, `"forbidden"`) {
					t.Errorf("a role: %s = %s, want it served: %v", sql, got, served)
				}
			}
			for _, sql := range plainStatements {
				both(sql, !slices.Contains(test.not, sql))
			}
			for _, sql := range test.served {
				both(sql, true)
			}
			for _, sql := range test.deny {
				both(sql, false)
			}
		})
	}
}

// TestLintVolatileInCatalog has a volatile function in pg_catalog that is not PostgreSQL's own.
func TestLintVolatileInCatalog(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "SET allow_system_table_mods = on; CREATE FUNCTION pg_catalog.runs_elsewhere() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	file := fstest.MapFS{"a.sql": {Data: []byte("/*---\ndescription: Runs elsewhere. Use it in this test alone.\nresult: object\n---*/\nSELECT runs_elsewhere() AS n, version() AS v\n")}}
	cat, err := catalog.Load(catalog.Source{Name: "test", FS: file})
	if err != nil {
		t.Fatal(err)
	}
	got, err := registry.Volatile(t.Context(), openDB(t, url), cat.Tools[0])
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0].Problem, "runs_elsewhere is a volatile function") {
		t.Errorf("LintVolatile = %v, %v, want runs_elsewhere alone", got, err)
	}
}
