package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestWrittenQuery has a tool whose statement writes the SQL that is run: as the caller's own, READ ONLY.
func TestWrittenQuery(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE SCHEMA secret; CREATE TABLE shop.item AS SELECT n AS id FROM generate_series(1, 9) AS n;
		CREATE TABLE secret.item AS SELECT 42 AS id`)
	const header = "/*---\ndescription: x\ntrust: owner\nresult: query\nparams: [{name: sql, type: string}]\n"
	r := build(t, registry.Config{DB: openDB(t, url)}, map[string]string{
		"x/run.sql": header + "---*/\nSELECT @sql", "x/two.sql": header + "limits: {rows: 2}\n---*/\nSELECT @sql",
		"x/many.sql": header + "---*/\nSELECT @sql, 1 AS b",
	})
	role := underRole(t, "roles:\n  a: {schemas: [shop], tables: \"*\", operations: [select, insert]}\nusers: {_default: a}\n", "ann")
	for _, test := range []struct{ name, tool, args, want string }{
		{"rows", "run", `{"sql": "SELECT id FROM item WHERE id > 8"}`, `{"items":[{"id":9}]}`},
		{"limit of the tool", "two", `{"sql": "SELECT id FROM item ORDER BY id"}`, `{"items":[{"id":1},{"id":2}],"truncated":{"by":"rows","limit":2}}`},
		{"the rules of the caller", "run", `{"sql": "SELECT id FROM secret.item"}`, `"code":"forbidden"`},
		{"no write, whatever the role may do", "run", `{"sql": "INSERT INTO item VALUES (10) RETURNING id"}`, "25006"},
		{"one statement", "run", `{"sql": "SELECT 1; SELECT 2"}`, `"error"`},
		{"error without a place in SQL that the caller did not write", "run", `{"sql": "SELECT nope FROM item"}`, `{"error":{"code":"42703","message":"column \"nope\" does not exist","retryable":false}}`},
		{"NULL", "run", `{}`, `the column is no text`},
		{"two columns", "many", `{"sql": "SELECT 1"}`, "the tool gives 2 columns"},
	} {
		if got := answer(t, role, r, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s %s = %s\nwant %s in it", test.name, test.tool, test.args, got, test.want)
		}
	}
	if got := answer(t, role, r, "run", `{"sql": "SELECT 1 AS a"}`); got != `{"items":[{"a":1}]}` {
		t.Errorf("after an error the tool answers %s", got)
	}
}

// TestProfile has texts as people type them.
func TestProfile(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE SCHEMA secret;
		CREATE TABLE shop.mess (id int, city text, amount text, day varchar(20), data jsonb, plain json, at date, "Odd ""name" numeric, hidden text);
		INSERT INTO shop.mess SELECT n, (ARRAY['Berlin', 'berlin ', ' BERLIN', 'Köln'])[1 + n % 4], CASE WHEN n % 20 = 0 THEN 'n/a' ELSE n || '.50' END,
			'2024-01-' || lpad((1 + n % 28)::text, 2, '0'), jsonb_build_object('a', n, 'b', 'x'), json_build_object('c', NULL), DATE '2024-01-01' + n % 10, n / 2.0, 'h'
		FROM generate_series(1, 200) AS n;
		CREATE TABLE secret.sites (a int); CREATE TABLE shop.big AS SELECT n AS a, repeat('x', 500) AS b FROM generate_series(1, 20000) AS n; ANALYZE shop.big;
		CREATE TABLE shop.parts (a int, b text) PARTITION BY RANGE (a); CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM (0) TO (100); INSERT INTO shop.parts VALUES (1, 'x');
		CREATE VIEW shop.seen AS SELECT id, city FROM shop.mess; CREATE TABLE shop.empty (a int, b json)`)
	login, loginURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA shop TO "+login+"; GRANT SELECT (id, city) ON shop.mess TO "+login)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	few := buildAll(t, registry.Config{DB: openDB(t, loginURL), ReadOnly: true}, nil)
	rules, err := guard.Parse("roles", []byte("roles:\n  a: {schemas: [shop], tables: \"*\", operations: [select]}\n  b: {schemas: [shop], tables: [empty], operations: [select]}\nusers: {ann: a, bob: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	profile := func(r *registry.Registry, sub, args string) string {
		ctx := t.Context()
		if sub != "" {
			caller, err := rules.Caller(sub, nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx = guard.WithCaller(ctx, caller)
		}
		return answer(t, ctx, r, "profile_table", args)
	}
	const mess = `{"table_name": "shop.mess"}`
	for _, test := range []struct{ name, got, want string }{
		{"numbers", profile(r, "", mess), `"column_name":"id","type":"integer","rows":200,"null_share":0,"distinct_values":200,"min":"1","max":"200"}`},
		{"spellings", profile(r, "", mess), `"spellings":"\" BERLIN\" \"Berlin\" \"berlin \""`},
		{"texts that are numbers", profile(r, "", mess), `"looks_like":"10 values are not a number"`},
		{"texts that are dates", profile(r, "", mess), `"looks_like":"every value is a date (YYYY-MM-DD)"`},
		{"keys of jsonb", profile(r, "", mess), `"json_keys":"a number (200), b string (200)"`},
		{"keys of json", profile(r, "", mess), `"json_keys":"c null (200)"`},
		{"dates", profile(r, "", mess), `"min":"2024-01-01","max":"2024-01-10"`},
		{"odd name", profile(r, "", mess), `"column_name":"Odd \"name","type":"numeric"`},
		{"one column", profile(r, "", `{"table_name": "shop.mess", "columns": ["city"]}`), `{"items":[{"column_name":"city",`},
		{"sample", profile(r, "", `{"table_name": "shop.big", "sample_rows": 100}`), `"rows":100,`},
		{"partitioned", profile(r, "", `{"table_name": "shop.parts"}`), `"rows":1,`},
		{"view", profile(r, "", `{"table_name": "shop.seen"}`), `"rows":200,`},
		{"empty", profile(r, "", `{"table_name": "shop.empty"}`), `{"items":[{"column_name":"a","type":"integer","rows":0},{"column_name":"b","type":"json","rows":0}]}`},
		{"a login of some columns", profile(few, "", mess), `"column_name":"city"`},
		{"a role", profile(r, "ann", `{"table_name": "mess"}`), `"spellings"`},
		{"a role, a sample", profile(r, "ann", `{"table_name": "big", "sample_rows": 100}`), `"rows":100,`},
		{"a role, another schema", profile(r, "ann", `{"table_name": "secret.sites"}`), `"code":"not_found"`},
		{"a role, another table", profile(r, "bob", `{"table_name": "mess"}`), `"code":"not_found"`},
		{"a role, its table", profile(r, "bob", `{"table_name": "empty"}`), `"rows":0`},
		{"no such column", profile(r, "", `{"table_name": "shop.mess", "columns": ["nope"]}`), `There is no column of these names in shop.mess`},
	} {
		if !strings.Contains(test.got, test.want) {
			t.Errorf("%s: %s\nwant %s in it", test.name, test.got, test.want)
		}
	}
	if got := profile(few, "", mess); strings.Contains(got, "hidden") {
		t.Errorf("a column that the login may not read is profiled: %s", got)
	}
}

func TestDependentRows(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE SCHEMA secret;
		CREATE TABLE shop.a (x int, y text, PRIMARY KEY (x, y)); INSERT INTO shop.a VALUES (1, 'o''k'), (2, 'k');
		CREATE TABLE shop.b (id int PRIMARY KEY, x int, y text, parent int REFERENCES shop.b ON DELETE SET NULL, FOREIGN KEY (x, y) REFERENCES shop.a ON DELETE CASCADE ON UPDATE CASCADE);
		INSERT INTO shop.b SELECT n, 1, 'o''k', 1 FROM generate_series(1, 3) AS n; INSERT INTO shop.b VALUES (9, 2, 'k', NULL), (10, 2, 'k', 1);
		CREATE TABLE shop.c (b int REFERENCES shop.b ON DELETE CASCADE, n int) PARTITION BY RANGE (n); CREATE TABLE shop.c1 PARTITION OF shop.c FOR VALUES FROM (0) TO (10);
		INSERT INTO shop.c VALUES (1, 1), (2, 2), (9, 3); CREATE TABLE shop.d (b int REFERENCES shop.b); INSERT INTO shop.d VALUES (3);
		CREATE TABLE secret.e (b int REFERENCES shop.b ON DELETE CASCADE); INSERT INTO secret.e VALUES (1); CREATE TABLE shop.loose (i int)`)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	role := underRole(t, "roles:\n  a: {schemas: [shop], tables: \"*\", operations: [select]}\nusers: {_default: a}\n", "ann")
	whole := askTool(t, r, "get_dependent_rows", `{"table_name": "shop.a", "key": ["1", "o'k"]}`)
	for _, want := range []string{
		`{"depth":0,"table_name":"shop.a","rows":1,"deleted_in_all":7}`,
		`"table_name":"shop.b","columns":"x, y -> shop.a (x, y) ON UPDATE CASCADE","effect":"deleted","rows":3`,
		`"depth":2,"direction":"depends on it","table_name":"shop.c","columns":"b -> shop.b (id)","effect":"deleted","rows":2`,
		`"columns":"parent -> shop.b (id)","effect":"set to NULL","rows":1`, // of the other rows with this parent, which are deleted, none
		`"table_name":"shop.d","columns":"b -> shop.b (id)","effect":"stops the DELETE","rows":1`,
		`"table_name":"secret.e","columns":"b -> shop.b (id)","effect":"deleted","rows":1`,
	} {
		if !strings.Contains(whole, want) {
			t.Errorf("what depends on the row: %s\nwant %s in it", whole, want)
		}
	}
	if strings.Contains(whole, "c1") {
		t.Errorf("a partition is shown beside its parent: %s", whole)
	}
	for _, test := range []struct{ args, want, not string }{
		{`{"table_name": "a", "key": ["1", "o'k"]}`, `"table_name":"shop.d"`, "secret"},
		{`{"table_name": "secret.e"}`, `"code":"not_found"`, "effect"},
		// The same words whether there are such tables or not.
		{`{"table_name": "b", "key": ["1"]}`, `"note":"Tables that this role does not see are left out."`, "secret"},
		{`{"table_name": "loose"}`, `{"items":[{"depth":0,"table_name":"shop.loose","note":"Tables that this role does not see are left out."}]}`, ""},
		{`{"table_name": "c"}`, `"direction":"refers to","table_name":"shop.a"`, "rows"},
		{`{"table_name": "a", "key": ["1"]}`, "The primary key of shop.a has the columns x, y: want a value for each in key.", ""},
		{`{"table_name": "loose", "key": ["1"]}`, "The table shop.loose has no primary key: leave key out.", ""},
		{`{"table_name": "b", "key": ["1' OR true --"]}`, "22P02", `"rows"`},
		{`{"table_name": "b", "max_depth": 1}`, `"table_name":"shop.c"`, `"depth":2`},
	} {
		got := answer(t, role, r, "get_dependent_rows", test.args)
		if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
			t.Errorf("%s = %s\nwant %s in it, not %s", test.args, got, test.want, test.not)
		}
	}
}
