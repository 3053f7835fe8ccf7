package registry_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// ask sends one request to the server of r and gives the result or error as JSON.
func ask(t *testing.T, r *registry.Registry, method, params string) string {
	t.Helper()
	return askAs(t, t.Context(), r, method, params)
}

func askAs(t *testing.T, ctx context.Context, r *registry.Registry, method, params string) string {
	t.Helper()
	message := json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`)
	body, err := json.Marshal(r.Server("test").HandleMessage(ctx, message))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return string(answer.Result) + string(answer.Error)
}

func TestResources(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE SCHEMA "odd ""name/x";
		CREATE TYPE shop.size AS ENUM ('small', 'it''s large');
		CREATE TABLE shop.item (id int PRIMARY KEY, size shop.size NOT NULL, price numeric(10,2) UNIQUE);
		COMMENT ON TABLE shop.item IS E'Things\nto sell';
		CREATE TABLE "odd ""name/x"."a b" (item_id int REFERENCES shop.item, gone int);
		ALTER TABLE "odd ""name/x"."a b" DROP COLUMN gone;
		CREATE TABLE shop.part (a int, b int, PRIMARY KEY (b, a));
		CREATE TABLE shop.use (b int, a int, FOREIGN KEY (b, a) REFERENCES shop.part (b, a));
		CREATE VIEW shop.cheap AS SELECT id FROM shop.item WHERE price < 1;
		INSERT INTO shop.item SELECT n, 'small', n FROM generate_series(1, 50) AS n`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	tests := []struct{ name, method, params, want string }{
		{"schema", "resources/read", `{"uri": "schema://shop"}`,
			`SCHEMA shop, 4 tables\nVIEW cheap\n  id int\nTABLE item: Things to sell\n  id int PK, size shop.size{small|it's large}!, price numeric(10,2) UNIQUE\n` +
				`TABLE part\n  a int!, b int!, PK (b, a)\nTABLE use\n  b int, a int, FK (b, a) -\u003e part(b, a)"`},
		{"schema, odd name", "resources/read", `{"uri": "schema://odd%20%22name%2Fx"}`, `TABLE \"a b\"\n  item_id int -\u003e shop.item.id"`},
		{"schema, misspelt", "resources/read", `{"uri": "schema://shp"}`, `There is no schema \"shp\" here. Did you mean shop?`},
		{"table", "resources/read", `{"uri": "table://shop/item"}`, `{\"id\":20,\"size\":\"small\",\"price\":20.00}],\"truncated\":{\"by\":\"rows\",\"limit\":20}`},
		{"table, odd name", "resources/read", `{"uri": "table://odd%20%22name%2Fx/a%20b"}`, `{\"items\":[]}`},
		{"table, misspelt", "resources/read", `{"uri": "table://shop/itm"}`, `Did you mean`},
		{"table, injected", "resources/read", `{"uri": "table://shop/item%22%3B%20DROP%20TABLE%20shop.item%3B--"}`, `does not exist`},
		{"tool", "resources/read", `{"uri": "tool://list_schemas"}`, `FROM pg_catalog.pg_namespace`},
		{"tool, misspelt", "resources/read", `{"uri": "tool://list_schema"}`, `unknown tool \"list_schema\": did you mean \"list_schemas\"?`},
		{"tool in code", "resources/read", `{"uri": "tool://query"}`, `the tool query is not made of SQL`},
		{"unknown", "resources/read", `{"uri": "file:///etc/passwd"}`, `-32002`},
		{"complete schema", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": "SH"}}`,
			`"values":["shop"]`},
		{"complete table", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "table://{schema}/{table}"},
			"argument": {"name": "table", "value": ""}, "context": {"arguments": {"schema": "shop"}}}`, `"values":["cheap","item","part","use"]`},
		{"complete tool", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://{name}"}, "argument": {"name": "name", "value": "list_"}}`,
			`"values":["list_schemas","list_tables"]`},
		{"complete nothing", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "nope://{x}"}, "argument": {"name": "x", "value": ""}}`, `"values":[]`},
	}
	for _, test := range tests {
		got := ask(t, r, test.method, test.params)
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s(%s) = %s, want %s in it", test.name, test.method, test.params, got, test.want)
		}
		if strings.Contains(got, "line 1") {
			t.Errorf("%s: %s(%s) = %s, want no place in SQL that the client has not written", test.name, test.method, test.params, got)
		}
	}
}

// TestSchemaTextIsBounded: of a large schema some is shown, and what is left out is said.
func TestSchemaTextIsBounded(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, wideScript(t, 1)+`;
		CREATE TABLE area_1.a_broad_one (); CREATE TYPE area_1.mood AS ENUM ('good');
		DO $$ BEGIN FOR i IN 1..900 LOOP EXECUTE format('ALTER TABLE area_1.a_broad_one ADD some_column_%s int', i); END LOOP; END $$`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	got := ask(t, r, "resources/read", `{"uri": "schema://area_1"}`)
	if len(got) > 55000 {
		t.Errorf("schema:// of %d bytes", len(got))
	}
	for _, want := range []string{`SCHEMA area_1, 401 tables`, `TABLE a_broad_one [900 columns...]`, `TABLE item_0001: Items of kind 1\n  id bigint PK, `,
		`TABLE item_0400 [8 columns...]: Items of kind 400`, `describe_table {\"table_name\": \"schema.table, ...\"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("schema:// = %.300s ... %s, want %s in it", got, got[len(got)-300:], want)
		}
	}
	for args, want := range map[string]string{
		`{"max_chars": 1000}`:                                ` more tables: describe_database {"schema": "area_1"}`,
		`{"max_chars": 1000, "schema": "area_1"}`:            ` more tables: list_tables {"schema": "area_1"}`,
		`{"name_pattern": "ITEM\\_0007", "max_chars": 1200}`: "SCHEMA area_1, 1 table\nTABLE item_0007: Items of kind 7\n  id bigint PK, code varchar(20)!, name text, amount numeric(12,2) (In EUR, without tax), ",
	} {
		if got, _ := call(t, r, "describe_database", args); !strings.Contains(got, want) || len(got) > 1300 {
			t.Errorf("describe_database(%s) = %s (%d bytes), want %s in it", args, got, len(got), want)
		}
	}
}

// TestSchemaTextOfPartitions: the keys that PostgreSQL clones for partitions are not shown.
func TestSchemaTextOfPartitions(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA s; CREATE TABLE s.log (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
		CREATE TABLE s.log_24 PARTITION OF s.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
		CREATE TABLE s.note (id int, at date, FOREIGN KEY (id, at) REFERENCES s.log);
		CREATE TABLE s.old (log int, at date); ALTER TABLE s.old ADD FOREIGN KEY (log, at) REFERENCES s.log NOT VALID`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	want := `TABLE log [partitioned by RANGE (at), 1 part]\n  id int!, at date!, PK (id, at)\nTABLE note\n  id int, at date, FK (id, at) -\u003e log(id, at)\n` +
		`TABLE old\n  log int, at date, FK (log, at) -\u003e log(id, at) NOT VALID"`
	if got := ask(t, r, "resources/read", `{"uri": "schema://s"}`); !strings.Contains(got, want) {
		t.Errorf("schema:// = %s, want %s in it", got, want)
	}
}

// listedResources gives the resources of all pages, and how many pages there are.
func listedResources(t *testing.T, ctx context.Context, r *registry.Registry) (uris []string, pages int) {
	t.Helper()
	params := `{}`
	for {
		var page struct {
			Resources  []struct{ URI, Name, Description, MimeType string }
			NextCursor string
		}
		got := askAs(t, ctx, r, "resources/list", params)
		if err := json.Unmarshal([]byte(got), &page); err != nil || page.Resources == nil {
			t.Fatalf("resources/list = %s, %v", got, err)
		}
		pages++
		for _, res := range page.Resources {
			if res.Name == "" || res.Description == "" || res.MimeType != "text/plain" {
				t.Errorf("resources/list has %+v", res)
			}
			uris = append(uris, res.URI)
		}
		if page.NextCursor == "" {
			return uris, pages
		}
		params = `{"cursor": "` + page.NextCursor + `"}`
	}
}

// TestListedSchemas: hosts show what resources/list has in their menus, and each of it can be read.
func TestListedSchemas(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; COMMENT ON SCHEMA shop IS 'What is sold'; CREATE SCHEMA hr; CREATE SCHEMA "odd ""name/x"; CREATE TABLE shop.item ()`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	uris, _ := listedResources(t, t.Context(), r)
	want := []string{"schema://hr", "schema://odd%20%22name%2Fx", "schema://public", "schema://shop"}
	if diff := cmp.Diff(want, uris); diff != "" {
		t.Errorf("resources/list (-want +got):\n%s", diff)
	}
	for _, uri := range uris {
		if got := ask(t, r, "resources/read", `{"uri": "`+uri+`"}`); !strings.Contains(got, "SCHEMA ") {
			t.Errorf("%s = %s", uri, got)
		}
	}
	if got := ask(t, r, "resources/list", `{}`); !strings.Contains(got, `"description":"What is sold"`) {
		t.Errorf("resources/list = %s, want the comment", got)
	}
	alice := guard.WithCaller(t.Context(), &guard.Caller{Sub: "alice", Role: &guard.Role{Name: "clerk", Schemas: []string{"shop"}}})
	if got, _ := listedResources(t, alice, r); !slices.Equal(got, []string{"schema://shop"}) {
		t.Errorf("with the schema shop, resources/list has %v", got)
	}
	nobody := guard.WithCaller(t.Context(), &guard.Caller{Sub: "eve"})
	if got, _ := listedResources(t, nobody, r); len(got) != 0 {
		t.Errorf("without a role, resources/list has %v", got)
	}
	pgtest.Exec(t, url, `DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format('CREATE SCHEMA s%s', i); END LOOP; END $$`)
	if uris, pages := listedResources(t, t.Context(), r); len(uris) != 204 || pages != 3 || len(slices.Compact(slices.Sorted(slices.Values(uris)))) != 204 {
		t.Errorf("%d resources on %d pages, want 204 on 3", len(uris), pages)
	}
	if got := ask(t, r, "resources/list", `{"cursor": "!"}`); !strings.Contains(got, "-32602") {
		t.Errorf("resources/list with a wrong cursor = %s", got)
	}
	none := build(t, registry.Config{DB: openDB(t, "")}, nil)
	if got, _ := listedResources(t, t.Context(), none); len(got) != 0 {
		t.Errorf("without a database, resources/list has %v", got)
	}
}

// TestDatabaseDown: nothing that looks empty comes from a database that does not answer. The list of resources is a test of the program.
func TestDatabaseDown(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, "postgres://x@127.0.0.1:1/x?connect_timeout=2")}, nil)
	for _, request := range [][2]string{
		{"resources/read", `{"uri": "schema://shop"}`},
		{"resources/read", `{"uri": "table://shop/item"}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": ""}}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://describe_table"}, "argument": {"name": "table_name", "value": ""}}`},
	} {
		if got := ask(t, r, request[0], request[1]); !strings.Contains(got, "The database is not available") {
			t.Errorf("%s(%s) = %s, want that the database does not answer", request[0], request[1], got)
		}
	}
}

func TestResourcesWithoutDatabase(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, "")}, nil)
	for _, uri := range []string{"schema://shop", "table://shop/item"} {
		if got := ask(t, r, "resources/read", `{"uri": "`+uri+`"}`); !strings.Contains(got, "No database is connected") || strings.Contains(got, `"code"`) {
			t.Errorf("%s = %s, want the notice", uri, got)
		}
	}
	got := ask(t, r, "completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": ""}}`)
	if !strings.Contains(got, `"values":[]`) {
		t.Errorf("completion = %s, want none", got)
	}
}

func TestPrompts(t *testing.T) {
	prompts, err := catalog.LoadPrompts(catalog.Source{FS: os.DirFS("../sql")})
	if err != nil {
		t.Fatal(err)
	}
	r := buildSet(t, registry.Config{DB: openDB(t, "")}, registry.Set{Prompts: prompts}, nil, "explore")
	tests := []struct{ method, params, want string }{
		{"prompts/list", `{}`, `"name":"write_safe_select"`},
		{"prompts/get", `{"name": "explain_plan_tips", "arguments": {"sql": "SELECT 42", "goal": "memory"}}`, `SELECT 42`},
		{"prompts/get", `{"name": "explain_plan_tips"}`, `missing argument \"sql\": The statement that is slow`},
		{"prompts/get", `{"name": "explain_plan_tips", "arguments": {"sql": "x", "goal": "fame"}}`, `goal: \"fame\" is not one of \"latency\", \"throughput\", \"memory\"`},
		{"prompts/get", `{"name": "explain_plan_tips", "arguments": {"sql": "x", "gaol": "memory"}}`, `unknown argument \"gaol\": did you mean \"goal\"?`},
		{"prompts/get", `{"name": "nope"}`, `-32602`},
		{"completion/complete", `{"ref": {"type": "ref/prompt", "name": "explain_plan_tips"}, "argument": {"name": "goal", "value": "m"}}`, `"values":["memory"]`},
		{"completion/complete", `{"ref": {"type": "ref/prompt", "name": "explain_plan_tips"}, "argument": {"name": "sql", "value": "m"}}`, `"values":[]`},
	}
	for _, test := range tests {
		if got := ask(t, r, test.method, test.params); !strings.Contains(got, test.want) {
			t.Errorf("%s(%s) = %s, want %s in it", test.method, test.params, got, test.want)
		}
	}
}
