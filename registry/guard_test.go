package registry_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// guardCase is a statement of testdata/guard, what the answer must hold and what a second connection must see after it.
type guardCase struct {
	Name, Role, SQL, Want string
	Check                 string // a query that must give "true" afterwards
	Needs                 string // an extension that not every version of PostgreSQL has
	Since                 int    // the first version that has the statement
}

type guardCases struct {
	Setup, Roles   string
	Refuse, Answer []guardCase
}

// skip ends the test where the server lacks what it is about.
func (c guardCase) skip(t *testing.T, url string) {
	t.Helper()
	if c.Since > 0 && pgtest.Version(t, url) < c.Since || c.Needs != "" && !pgtest.HasExtension(t, url, c.Needs) {
		t.Skip("not for this version of PostgreSQL")
	}
}

func readGuardCases(t *testing.T, path string) guardCases {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c guardCases
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return c
}

// TestGuardReadOnly has a superuser's login: nothing but the guard and the transaction stands before the server.
func TestGuardReadOnly(t *testing.T) {
	url := pgtest.URL(t)
	c := readGuardCases(t, "testdata/guard_readonly.yaml")
	pgtest.Exec(t, url, c.Setup)
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	const state = "SELECT concat_ws(' ', (SELECT count(*) FROM pg_class WHERE oid >= 16384), (SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM shop.orders o), " +
		"(SELECT last_value FROM shop.numbers), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_replication_slots))"
	before := pgtest.Value(t, url, state)
	for _, test := range c.Refuse {
		t.Run("refuse "+test.SQL, func(t *testing.T) {
			test.skip(t, url)
			args, _ := json.Marshal(map[string]string{"sql": test.SQL})
			got, isError := call(t, r, "query", string(args))
			if !isError || !strings.Contains(got, `"code":"read_only"`) && test.Want == "" || !strings.Contains(got, test.Want) {
				t.Errorf("%s = %s\nwant it refused (%s)", test.SQL, got, test.Want)
			}
		})
	}
	if after := pgtest.Value(t, url, state); after != before {
		t.Errorf("the database has changed: %s, before %s", after, before)
	}
	for _, test := range c.Answer {
		t.Run("answer "+test.SQL, func(t *testing.T) {
			test.skip(t, url)
			args, _ := json.Marshal(map[string]string{"sql": test.SQL, "format": "csv"})
			if got, isError := call(t, r, "query", string(args)); isError || !strings.Contains(got, test.Want) {
				t.Errorf("%s = %s\nwant an answer with %q", test.SQL, got, test.Want)
			}
		})
	}
}

// TestGuardPlanted has code in places that no statement names.
func TestGuardPlanted(t *testing.T) {
	for _, name := range []string{"planted", "families"} {
		t.Run(name, func(t *testing.T) { tryPlanted(t, "testdata/guard_"+name+".yaml") })
	}
}

func tryPlanted(t *testing.T, path string) {
	url := pgtest.URL(t)
	c := readGuardCases(t, path)
	owner, _ := pgtest.Role(t, url)
	pgtest.Exec(t, url, strings.ReplaceAll(c.Setup, "DBROLE", owner))
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	for _, test := range c.Refuse {
		if got, isError := callAs(t.Context(), t, r, test.SQL); !isError || !strings.Contains(got, `"code":"read_only"`) || !strings.Contains(got, test.Want) {
			t.Errorf("%s = %s\nwant it refused (%s)", test.SQL, got, test.Want)
		}
	}
	for _, test := range c.Answer {
		if got, isError := callAs(t.Context(), t, r, test.SQL); isError || !strings.Contains(got, test.Want) {
			t.Errorf("%s = %s\nwant an answer with %q", test.SQL, got, test.Want)
		}
	}
}

// TestGuardPermissions has a superuser's login too: only the role limited has the database's grants below it.
func TestGuardPermissions(t *testing.T) {
	url := pgtest.URL(t)
	c := readGuardCases(t, "testdata/guard_permissions.yaml")
	pgtest.Exec(t, url, c.Setup)
	dbRole, _ := pgtest.Role(t, url)
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA shop TO "+dbRole+"; GRANT SELECT ON shop.orders, shop.notes TO "+dbRole)
	rules, err := guard.Parse("roles", []byte(strings.ReplaceAll(c.Roles, "DBROLE", dbRole)))
	if err != nil {
		t.Fatal(err)
	}
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	as := func(role string) context.Context {
		return guard.WithCaller(t.Context(), &guard.Caller{Sub: "alice", Claims: json.RawMessage(`{"sub": "alice"}`), Role: rules.Role(role)})
	}
	for _, test := range c.Refuse {
		t.Run("refuse "+test.Role+" "+test.SQL, func(t *testing.T) {
			test.skip(t, url)
			got, isError := callAs(as(test.Role), t, r, test.SQL)
			if !isError || !strings.Contains(got, test.Want) || strings.Contains(got, "secret-card") || strings.Contains(got, "4711") {
				t.Errorf("%s = %s\nwant it refused (%s)", test.SQL, got, test.Want)
			}
		})
	}
	for _, test := range c.Answer {
		t.Run("answer "+test.Role+" "+test.SQL, func(t *testing.T) {
			test.skip(t, url)
			for range 2 { // the second time from memory, but for a write
				got, isError := callAs(as(test.Role), t, r, test.SQL)
				if isError || !strings.Contains(got, test.Want) {
					t.Errorf("%s = %s\nwant an answer with %q", test.SQL, got, test.Want)
				}
				if test.Check != "" && pgtest.Value(t, url, test.Check) != "t" {
					t.Errorf("after %s, %s does not hold", test.SQL, test.Check)
				}
				if !strings.HasPrefix(test.SQL, "SELECT") {
					break
				}
			}
		})
	}
	if res, err := r.Call(guard.WithCaller(t.Context(), nil), "query", json.RawMessage(`{"sql": "SELECT 1"}`)); err == nil && res.Err == nil {
		t.Errorf("a caller without a role gets %v", res.Texts)
	}
}

func callAs(ctx context.Context, t *testing.T, r *registry.Registry, sql string) (answer string, isError bool) {
	t.Helper()
	args, _ := json.Marshal(map[string]string{"sql": sql, "format": "csv"})
	res, err := r.Call(ctx, "query", args)
	if err != nil {
		t.Fatal(err)
	}
	if body := res.Body(); body != nil {
		return string(body), res.Err != nil
	}
	return text(t, res), res.Err != nil
}

// TestGuardChange puts a view over a file in the place of a table whose reading has been decided on.
func TestGuardChange(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE orders (id int)")
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	for range 2 {
		if got, isError := callAs(t.Context(), t, r, "SELECT * FROM orders"); isError {
			t.Fatalf("reading a table = %s", got)
		}
	}
	pgtest.Exec(t, url, "ALTER TABLE orders RENAME TO old; CREATE VIEW orders AS SELECT pg_read_file('PG_VERSION') AS id")
	if got, isError := callAs(t.Context(), t, r, "SELECT * FROM orders"); !isError || !strings.Contains(got, "view public.orders: function pg_read_file") {
		t.Errorf("reading a view in its place = %s, want it refused", got)
	}
	pgtest.Exec(t, url, "DROP VIEW orders; CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)")
	if got, isError := callAs(t.Context(), t, r, "SELECT * FROM orders"); !isError {
		t.Errorf("just after the refusal = %s, want it remembered for a while", got)
	}
	r.RulesChanged()
	if got, isError := callAs(t.Context(), t, r, "SELECT * FROM orders"); isError || !strings.Contains(got, "7") {
		t.Errorf("reading a new table in its place = %s, want its row", got)
	}
}

// TestGuardPathOfOwner has a SECURITY DEFINER function whose owner may not use the first schema of the search path: a name in
// its body is that of the next one.
func TestGuardPathOfOwner(t *testing.T) {
	url := pgtest.URL(t)
	owner, _ := pgtest.Role(t, url)
	pgtest.Exec(t, url, strings.ReplaceAll(`CREATE SCHEMA closed; CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO DBROLE;
		CREATE TABLE closed.numbers (n int); GRANT SELECT ON closed.numbers TO DBROLE;
		CREATE VIEW open.numbers AS SELECT pg_read_file('PG_VERSION') AS n; GRANT SELECT ON open.numbers TO DBROLE;
		CREATE FUNCTION open.counts() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT max(n)::text FROM numbers); END';
		ALTER FUNCTION open.counts() OWNER TO DBROLE`, "DBROLE", owner))
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	role := &guard.Role{Name: "r", Schemas: []string{"closed", "open"}, AllTables: true, AllTools: true, Operations: 1,
		Functions: []guard.Table{{Schema: "open", Name: "counts"}}}
	ctx := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	if got, isError := callAs(ctx, t, r, "SELECT counts()"); !isError || !strings.Contains(got, "may use other schemas") {
		t.Errorf("counts() of an owner with another path = %s, want it refused", got)
	}
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA closed TO "+owner)
	r.RulesChanged()
	if got, isError := callAs(ctx, t, r, "SELECT counts()"); isError {
		t.Errorf("counts() of an owner with the path of the login = %s, want it served", got)
	}
}

// TestGuardSuggestions has a role that may be told only of its own tables.
func TestGuardSuggestions(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE SCHEMA shop; CREATE SCHEMA billing; CREATE TABLE shop.invoices (id int); CREATE TABLE billing.invoicing (id int)")
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	role := &guard.Role{Name: "r", Schemas: []string{"shop"}, AllTables: true, AllTools: true, Operations: 1}
	got, _ := callAs(guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role}), t, r, "SELECT * FROM invoicin")
	if !strings.Contains(got, `"suggestion":"invoices"`) {
		t.Errorf("an unknown table = %s, want the table of the role suggested and no other", got)
	}
}

// TestLargeXML: a large parameter is not parsed as XML under the guard; as text it is served.
func TestLargeXML(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE DOMAIN doc AS xml; CREATE TABLE docs (body xml, docs doc[])")
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	large := "<a b='" + strings.Repeat("x", 40_000) + "'/>"
	for _, test := range []struct{ sql, value, want string }{
		{"SELECT coalesce(body, $1) FROM docs UNION ALL SELECT NULL", "<a/>", ""},
		{"SELECT coalesce(body, $1) FROM docs UNION ALL SELECT NULL", large, "40009 bytes of XML"},
		{"SELECT coalesce(docs, $1) FROM docs UNION ALL SELECT NULL", "{\"" + large + "\"}", "bytes of XML"},
		{"SELECT length($1)", large, ""},
	} {
		args, _ := json.Marshal(map[string]any{"sql": test.sql, "parameters": []string{test.value}, "format": "csv"})
		got, isError := call(t, r, "query", string(args))
		if isError != (test.want != "") || !strings.Contains(got, test.want) {
			t.Errorf("%s with %d bytes = %.300s, want %q", test.sql, len(test.value), got, test.want)
		}
	}
}

// TestGuardWithinTheTimeOfTheRole has the question about a statement wait: the error names the limit of the role.
func TestGuardWithinTheTimeOfTheRole(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE a (i int)")
	lock, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close(context.Background())
	if _, err := lock.Exec(t.Context(), "BEGIN; LOCK TABLE pg_catalog.pg_depend IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	role := underRole(t, "roles:\n  a: {schemas: [public], tables: \"*\", operations: [select], limits: {timeout: 200ms}}\nusers: {_default: a}\n", "ann")
	r := build(t, registry.Config{DB: openDB(t, url), Timeout: 30 * time.Second}, nil)
	if got := answer(t, role, r, "query", `{"sql": "SELECT i FROM a"}`); !strings.Contains(got, "its time limit of 200ms") {
		t.Errorf("while the guard's question waits: %s, want the limit of the role", got)
	}
}

// TestGuardPostGIS has what people ask of maps, under permissions and in read-only mode, and what tells of other tables.
func TestGuardPostGIS(t *testing.T) {
	url := pgtest.URL(t)
	if !pgtest.HasExtension(t, url, "postgis") {
		t.Skip("this server has no PostGIS")
	}
	c := readGuardCases(t, "testdata/guard_postgis.yaml")
	pgtest.Exec(t, url, c.Setup)
	role := underRole(t, c.Roles, "ann")
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	readOnly := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	for _, test := range c.Answer {
		for mode, got := range map[string]string{"under a role": answer(t, role, r, "query", query(t, test.SQL)),
			"read-only": answer(t, t.Context(), readOnly, "query", query(t, test.SQL))} {
			if !strings.Contains(got, test.Want) || strings.Contains(got, `"code"`) {
				t.Errorf("%s: %s = %s\nwant an answer with %q", mode, test.SQL, got, test.Want)
			}
		}
	}
	for _, test := range c.Refuse {
		if got := answer(t, role, r, "query", query(t, test.SQL)); !strings.Contains(got, `"code":"forbidden"`) {
			t.Errorf("%s = %s\nwant it refused", test.SQL, got)
		}
	}
}

// underRole is the context of a caller of permissions.
func underRole(t *testing.T, permissions, sub string) context.Context {
	t.Helper()
	rules, err := guard.Parse("roles", []byte(permissions))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := rules.Caller(sub, nil)
	if err != nil {
		t.Fatal(err)
	}
	return guard.WithCaller(t.Context(), caller)
}

// query are the arguments of a call of query.
func query(t *testing.T, sql string) string {
	t.Helper()
	args, err := json.Marshal(map[string]string{"sql": sql, "format": "csv"})
	if err != nil {
		t.Fatal(err)
	}
	return string(args)
}

// TestGuardOrdinary has what people and programs ask every day, with popular extensions beside the tables.
func TestGuardOrdinary(t *testing.T) {
	url := pgtest.URL(t)
	extensions := strings.Fields("btree_gist citext cube earthdistance fuzzystrmatch hstore intarray ltree pg_trgm pgcrypto unaccent uuid-ossp")
	pgtest.NeedExtensions(t, url, extensions...)
	for _, name := range extensions {
		pgtest.Exec(t, url, `CREATE EXTENSION "`+name+`"`)
	}
	c := readGuardCases(t, "testdata/guard_ordinary.yaml")
	pgtest.Exec(t, url, c.Setup)
	role := underRole(t, c.Roles, "ann")
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	readOnly := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	for _, test := range c.Answer {
		if got, isError := callAs(role, t, r, test.SQL); isError {
			t.Errorf("under a role: %s = %s\nwant an answer", test.SQL, got)
		}
		if got, isError := callAs(t.Context(), t, readOnly, test.SQL); isError {
			t.Errorf("in read-only mode: %s = %s\nwant an answer", test.SQL, got)
		}
	}
}
