package registry_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// tuningDB is a database with the known problems, whose memory for sorts and hashes is small.
func tuningDB(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	script := func(name string) string {
		text, err := os.ReadFile("testdata/tuning/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	pgtest.Exec(t, url, script("fixture.sql"))
	pgtest.Exec(t, url, "DELETE FROM bloated WHERE id < 29700")
	for _, table := range strings.Fields("customers orders lines small bands parents children stale bloated dead visits wide events") {
		pgtest.Exec(t, url, "VACUUM (ANALYZE) "+table)
	}
	pgtest.Exec(t, url, script("later.sql"))
	pgtest.Exec(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''256kB''', current_database()); END $$")
	return url
}

// tuned is a registry with the tools for tuning.
func tuned(t *testing.T, c registry.Config) *registry.Registry {
	t.Helper()
	c.Extra = registry.OnRequest()
	return build(t, c, nil)
}

// found are the findings of an answer.
type found []struct {
	Kind, Message, Ask string
	SQL                []string
}

func explainedBy(t *testing.T, r *registry.Registry, args map[string]any) (found, string) {
	t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Call(t.Context(), "explain_query", raw)
	if err != nil {
		t.Fatal(err)
	}
	if res.Err != nil {
		t.Fatalf("explain_query(%s) = %s", raw, text(t, res))
	}
	var body struct{ Findings found }
	if err := json.Unmarshal([]byte(res.JSON), &body); err != nil {
		t.Fatal(err)
	}
	return body.Findings, text(t, res)
}

// TestKnownProblems: the finding that matters is the first, for all but a few of them.
func TestKnownProblems(t *testing.T) {
	url := tuningDB(t)
	r := tuned(t, registry.Config{DB: openDB(t, url)})
	var problems []struct {
		Name, SQL, Want, Has, Set string
		Plan                      bool
	}
	readYAML(t, "testdata/tuning/problems.yaml", &problems)
	var missed []string
	for _, p := range problems {
		of := r
		if p.Set != "" {
			of = tuned(t, registry.Config{DB: openDB(t, withOption(url, p.Set))})
		}
		all, text := explainedBy(t, of, map[string]any{"sql": p.SQL, "analyze": !p.Plan})
		if len(all) == 0 || all[0].Kind != p.Want || !strings.Contains(strings.Join(all[0].SQL, "\n")+all[0].Ask, p.Has) {
			missed = append(missed, p.Name)
			t.Logf("%s: explain_query(%s), want %s with %s first:\n%s", p.Name, p.SQL, p.Want, p.Has, text)
		}
	}
	t.Logf("%d of %d problems have the right finding first", len(problems)-len(missed), len(problems))
	if most := len(problems) / 10; len(problems) < 30 || len(missed) > most {
		t.Errorf("%d problems, missed are %s: want 30 and more, and no more than %d missed", len(problems), strings.Join(missed, ", "), most)
	}
	var healthy []string
	readYAML(t, "testdata/tuning/healthy.yaml", &healthy)
	for _, sql := range healthy {
		if all, text := explainedBy(t, r, map[string]any{"sql": sql, "analyze": true}); len(all) > 0 {
			t.Errorf("explain_query(%s), want no finding:\n%s", sql, text)
		}
	}
}

// withOption is url with a setting of the session.
func withOption(url, setting string) string {
	name, value, _ := strings.Cut(setting, " = ")
	if strings.Contains(url, "://") {
		return url + "&options=-c%20" + name + "%3D" + value
	}
	return url + " options='-c " + name + "=" + value + "'"
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestExplainAsCaller: the guard decides on a statement to explain as on one of query.
func TestExplainAsCaller(t *testing.T) {
	writes, url, as := guarded(t, registry.Config{Extra: registry.OnRequest()})
	pgtest.Exec(t, url, "CREATE VIEW shop.hiding AS SELECT id FROM billing.hidden; CREATE SEQUENCE shop.taken")
	reads := tuned(t, registry.Config{DB: openDB(t, url), ReadOnly: true})
	for _, test := range []struct {
		name, role, args, want string
		readOnly               bool
	}{
		{"a table, allow", "reader", `{"sql": "SELECT * FROM shop.item WHERE id = 1"}`, `"findings":[`, false},
		{"a table, run", "reader", `{"sql": "SELECT * FROM shop.item WHERE id = $1", "parameters": [1], "analyze": true}`, `"findings":[`, false},
		{"another table, deny", "reader", `{"sql": "SELECT * FROM billing.hidden"}`, `"code":"forbidden"`, false},
		{"a view, deny", "reader", `{"sql": "SELECT * FROM shop.hiding"}`, "EXPLAIN would show the definition", false},
		{"the body of a function, deny", "all", `{"sql": "SELECT shop.tax(1)"}`, "EXPLAIN would show the definition", false},
		{"options of EXPLAIN, deny", "reader", `{"sql": "(ANALYZE) SELECT 1"}`, `"code":`, false},
		{"a write, planned", "all", `{"sql": "DELETE FROM shop.item"}`, `"findings":[`, false},
		{"a write, run as a role", "all", `{"sql": "DELETE FROM shop.item", "analyze": true}`, `want EXPLAIN without ANALYZE`, false},
		{"a write, run", "", `{"sql": "DELETE FROM shop.item WHERE id = 1", "analyze": true}`, `was run and rolled back`, false},
		{"a write by a function", "", `{"sql": "SELECT nextval('shop.taken')", "analyze": true}`, `25006`, false},
		{"a write, read only", "", `{"sql": "DELETE FROM shop.item", "analyze": true}`, `"code":"read_only"`, true},
		{"a read, read only", "", `{"sql": "SELECT * FROM shop.item", "analyze": true}`, `"findings":[`, true},
	} {
		r, ctx := writes, t.Context()
		if test.readOnly {
			r = reads
		}
		if test.role != "" {
			ctx = as(test.role, "ann")
		}
		got := answer(t, ctx, r, "explain_query", test.args)
		if !strings.Contains(got, test.want) || strings.Contains(got, "top-secret") {
			t.Errorf("%s: explain_query(%s) as %s = %s, want %s in it", test.name, test.args, test.role, got, test.want)
		}
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM shop.item WHERE id = 1"); got != "1" {
		t.Errorf("rows after a DELETE that was analyzed = %s, want 1", got)
	}
	if _, err := build(t, registry.Config{DB: openDB(t, url)}, nil).Call(t.Context(), "explain_query", []byte(`{"sql": "SELECT 1"}`)); err == nil {
		t.Error("explain_query is there without being asked for")
	}
}

// TestPlansWithoutValues: from PostgreSQL 16 on the generic plan, before it those of common and rare values.
func TestPlansWithoutValues(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE parcels (id int, "State" text, at date); CREATE INDEX ON parcels ("State");
		INSERT INTO parcels SELECT i, CASE WHEN i % 1000 = 0 THEN 'lost' ELSE 'done' END, date '2024-01-01' + i % 300 FROM generate_series(1, 20000) AS i; ANALYZE parcels`)
	r := tuned(t, registry.Config{DB: openDB(t, url)})
	old := pgtest.Value(t, url, "SELECT current_setting('server_version_num')::int < 160000") == "t"
	for _, test := range []struct{ sql, old, generic string }{
		{`SELECT count(*) FROM parcels AS p WHERE p."State" = $1 LIMIT $2`, "With rare values of the parameters", "for any value"},
		{`SELECT count(*) FROM parcels WHERE $1 < at AND id BETWEEN $2 AND $3 AND "State" IN ($4, $5)`, "common in the columns", "for any value"},
		{"INSERT INTO parcels VALUES ($1, $2, $3)", "common in the columns", "for any value"},
		{"SELECT * FROM parcels WHERE id % $1 = 0", "no usual value is known for $1", "for any value"},
	} {
		args, _ := json.Marshal(map[string]any{"sql": test.sql, "settings": []string{"enable_seqscan=off"}})
		res, err := r.Call(t.Context(), "explain_query", args)
		if err != nil {
			t.Fatal(err)
		}
		want := test.generic
		if old {
			want = test.old
		}
		if got := text(t, res); !strings.Contains(got, want) {
			t.Errorf("explain_query(%s) = %s, want %s in it", test.sql, got, want)
		}
	}
}

// hypopg makes the extension, or says that the machine has not its files.
func hypopg(t *testing.T, url string) {
	t.Helper()
	if !pgtest.HasExtension(t, url, "hypopg") {
		t.Skip("hypopg is not installed for this PostgreSQL: Debian's package is postgresql-VERSION-hypopg")
	}
	pgtest.Exec(t, url, "CREATE SCHEMA \"Hypo pg\"; CREATE EXTENSION hypopg SCHEMA \"Hypo pg\"")
}

// TestHypotheticalIndexes: the plan before and after in one answer, and nothing stays.
func TestHypotheticalIndexes(t *testing.T) {
	_, url, as := guarded(t, registry.Config{})
	pgtest.Exec(t, url, "INSERT INTO shop.item SELECT i, 'o' || i FROM generate_series(100, 30000) AS i; ANALYZE shop.item")
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Logger: silent(), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	r := tuned(t, registry.Config{DB: db})
	const wanted = `{"sql": "SELECT * FROM shop.item WHERE owner = $1", "parameters": ["o777"], "indexes": ["create index concurrently if not exists x on shop.item using btree (owner, id desc) where owner <> 'ann';"]}`
	if got := answer(t, t.Context(), r, "explain_query", wanted); !strings.Contains(got, "need the extension hypopg") {
		t.Errorf("without hypopg: %s, want how to get it", got)
	}
	hypopg(t, url)
	for _, test := range []struct{ name, role, args, want string }{
		{"an index", "", wanted, `"used":true`},
		{"as a role", "reader", wanted, `"used":true`},
		{"of no use", "", `{"sql": "SELECT * FROM shop.item", "indexes": ["CREATE INDEX ON shop.item ((lower(owner)))"]}`, `"used":false`},
		{"a table of others, deny", "reader", `{"sql": "SELECT 1", "indexes": ["CREATE INDEX ON billing.hidden (id)"]}`, `"code":"forbidden","message":"indexes[0]: `},
		{"a function of others, deny", "reader", `{"sql": "SELECT 1", "indexes": ["CREATE INDEX ON shop.item ((public.wipe() + id))"]}`, `"code":"forbidden"`},
		{"a condition on others, deny", "reader", `{"sql": "SELECT 1", "indexes": ["CREATE INDEX ON shop.item (id) WHERE id IN (SELECT id FROM billing.hidden)"]}`, `"code":"forbidden"`},
		{"something else, deny", "", `{"sql": "SELECT 1", "indexes": ["DROP TABLE shop.item"]}`, `indexes[0]: want CREATE INDEX ON table`},
		{"something behind, deny", "", `{"sql": "SELECT 1", "indexes": ["CREATE INDEX ON shop.item (id); DROP TABLE shop.item"]}`, `indexes[0]: want CREATE INDEX ON table`},
		{"no such column", "", `{"sql": "SELECT 1", "indexes": ["CREATE INDEX ON shop.item (ownr)"]}`, `ownr`},
		{"settings", "reader", `{"sql": "SELECT * FROM shop.item WHERE id = 5", "settings": ["enable_seqscan = off", "work_mem=1MB"]}`, `"for":"these settings"`},
		{"settings that are not the planner's, deny", "", `{"sql": "SELECT 1", "settings": ["role=postgres"]}`, `settings[0]: \"role=postgres\": want a setting of the planner`},
		{"too much memory, deny", "", `{"sql": "SELECT 1", "settings": ["work_mem=100000MB"]}`, `up to 1000MB`},
	} {
		ctx := t.Context()
		if test.role != "" {
			ctx = as(test.role, "ann")
		}
		if got := answer(t, ctx, r, "explain_query", test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s: explain_query(%s) = %s, want %s in it", test.name, test.args, got, test.want)
		}
		left, _ := call(t, r, "query", `{"sql": "SELECT count(*) AS n, current_setting('enable_seqscan') AS s FROM \"Hypo pg\".hypopg_list_indexes", "format": "json"}`)
		if !strings.Contains(left, `{"n":0,"s":"on"}`) {
			t.Errorf("%s: left in the session is %s", test.name, left)
		}
	}
}

// TestAdvice: few indexes for the known problems, each worth it, and none for what is healthy.
func TestAdvice(t *testing.T) {
	url := tuningDB(t)
	db := openDB(t, url)
	r := tuned(t, registry.Config{DB: db})
	const orders = `"SELECT * FROM orders WHERE customer_id = 4242", "SELECT o.id FROM orders AS o WHERE o.customer_id = 7 AND o.total > 900"`
	if got := answer(t, t.Context(), r, "advise_indexes", `{"statements": [`+orders+`]}`); !strings.Contains(got, "need the extension hypopg") {
		t.Errorf("without hypopg: %s, want how to get it", got)
	}
	hypopg(t, url)
	pgtest.Exec(t, url, `CREATE INDEX orders_kind_again ON orders (kind, id); CREATE TABLE logs (at date, code int, body text) PARTITION BY RANGE (at);
		CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2024-02-01'); CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
		INSERT INTO logs SELECT date '2024-01-01' + i % 60, i % 5000, repeat('x', 50) FROM generate_series(1, 40000) AS i; ANALYZE logs`)
	for _, test := range []struct {
		name, args string
		want       []string // one index after the other
		has        string
	}{
		{"one index for two statements", `{"statements": [` + orders + `]}`, []string{"public.orders (customer_id)"}, "public.orders_kind is covered by orders_kind_again"},
		{"one of the two that fit", `{"statements": [` + orders + `], "max_indexes": 1}`, []string{"public.orders (customer_id"}, `"helps":[1,2]`},
		{"a condition and an order", `{"statements": ["SELECT id, total FROM orders WHERE customer_id = 7 ORDER BY total DESC LIMIT 3"]}`, []string{"public.orders (customer_id"}, ""},
		{"an order", `{"statements": ["SELECT * FROM orders ORDER BY total DESC, id LIMIT 10"]}`, []string{"public.orders (total DESC, id)"}, ""},
		{"a join", `{"statements": ["SELECT o.id FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.email = 'user7@example.com'"]}`, []string{"public.orders (customer_id)"}, ""},
		{"a part of the table", `{"statements": ["SELECT id, kind FROM orders WHERE status = 'open' AND created_at > '2024-06-01' AND total > 5"]}`, []string{"public.orders"}, ""},
		{"an expression", `{"statements": ["SELECT name FROM customers WHERE lower(email) = 'user7@example.com'"]}`, []string{"((lower(email)))"}, ""},
		{"an array", `{"statements": ["SELECT id FROM customers WHERE tags @> ARRAY['t7']"]}`, nil, "hypopg can't try CREATE INDEX CONCURRENTLY ON public.customers USING gin (tags)"},
		{"what it replaces", `{"statements": ["SELECT id FROM customers WHERE score = 7 AND city = 'city9'"]}`, []string{"public.customers (score, city)"}, "DROP INDEX CONCURRENTLY public.customers_score"},
		{"partitions", `{"statements": ["SELECT count(*) FROM logs WHERE code = 77"]}`, []string{"public.logs (code) /*"}, ""},
		{"healthy", `{"statements": ["SELECT * FROM orders WHERE id = 7", "SELECT count(*) FROM orders", "SELECT * FROM small WHERE name = 'n7'"]}`, nil, "No index would save"},
		{"too large", `{"statements": [` + orders + `], "max_mb": 1}`, nil, "No index would save"},
		{"what is skipped", `{"statements": ["SELECT 1 FROM nowhere", "DROP TABLE orders", "SELECT 1; SELECT 2"]}`, nil, "nowhere"},
	} {
		res, err := r.Call(t.Context(), "advise_indexes", []byte(test.args))
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Indexes []struct{ SQL string }
			Skipped []any
		}
		_ = json.Unmarshal([]byte(res.JSON), &body)
		ok := res.Err == nil && len(body.Indexes) == len(test.want) && strings.Contains(res.JSON+text(t, res), test.has)
		for i, want := range test.want {
			ok = ok && strings.HasPrefix(body.Indexes[i].SQL, "CREATE INDEX ") && strings.Contains(body.Indexes[i].SQL, want)
		}
		if !ok {
			t.Errorf("%s: advise_indexes(%s), want %q and %s:\n%s", test.name, test.args, test.want, test.has, text(t, res))
		}
	}
}

// TestAdviceOnTopStatements: what took most time, for nobody with a role.
func TestAdviceOnTopStatements(t *testing.T) {
	pgtest.NeedExtensions(t, pgtest.URL(t), "pg_stat_statements")
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements"}})
	pgtest.Exec(t, c.AdminURL(), `CREATE EXTENSION pg_stat_statements; CREATE SCHEMA shop; CREATE SCHEMA billing; CREATE TABLE shop.big (id int, code int, body text);
		INSERT INTO shop.big SELECT i, i % 5000, repeat('x', 60) FROM generate_series(1, 40000) AS i; ANALYZE shop.big; CREATE TABLE billing.hidden (id int)`)
	hypopg(t, c.AdminURL())
	rules, err := guard.Parse("roles", []byte("roles:\n  reader: {schemas: [shop], tables: '*', operations: [select]}\nusers: {_default: reader}\n"))
	if err != nil {
		t.Fatal(err)
	}
	role := guard.WithCaller(t.Context(), &guard.Caller{Sub: "ann", Role: rules.Role("reader")})
	pgtest.Exec(t, c.AdminURL(), "SELECT pg_stat_statements_reset()")
	for range 3 {
		pgtest.Exec(t, c.AdminURL(), "SELECT count(*) FROM shop.big WHERE code = 77")
	}
	r := tuned(t, registry.Config{DB: openDB(t, c.AdminURL())})
	for _, test := range []struct {
		ctx        context.Context
		args, want string
	}{
		{t.Context(), `{}`, `CREATE INDEX CONCURRENTLY ON shop.big (code)`},
		{t.Context(), `{"top": 1, "max_indexes": 1}`, `"calls":3`},
		{role, `{}`, "a caller with a role is not told those of others"},
		{role, `{"statements": ["SELECT body FROM shop.big WHERE code = $1"]}`, `CREATE INDEX CONCURRENTLY ON shop.big (code)`},
		{role, `{"statements": ["SELECT * FROM billing.hidden"]}`, `"skipped":[{"sql":"SELECT * FROM billing.hidden","reason":`},
	} {
		// Before PostgreSQL 16 a caller with a role has to give values.
		if strings.Contains(test.args, "$1") && pgtest.Value(t, c.AdminURL(), "SELECT current_setting('server_version_num')::int < 160000") == "t" {
			test.want = "want a value for each placeholder"
		}
		if got := answer(t, test.ctx, r, "advise_indexes", test.args); !strings.Contains(got, test.want) {
			t.Errorf("advise_indexes(%s) = %s, want %s in it", test.args, got, test.want)
		}
	}
}
