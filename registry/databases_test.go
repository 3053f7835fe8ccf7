package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// databaseRoles are roles in the databases shop, the default one, crm and down.
const databaseRoles = `
roles:
  clerk: {schemas: [public], tables: "*", operations: [select]}
  seller: {schemas: [public], tables: [mark], operations: [select], databases: [crm]}
  both:
    operations: [select]
    tables: "*"
    databases:
      shop: {schemas: [public], tools: [query]}
      crm: {schemas: [other]}
  all: {schemas: [public, other], tables: "*", operations: [select], databases: "*"}
users: {clerk: clerk, seller: seller, both: both, all: all}
`

// databases are two that answer and one that does not. Each that answers has a row that says which it is.
func databases(t *testing.T) *registry.Databases {
	t.Helper()
	var all []*registry.Served
	for _, name := range []string{"shop", "crm", "down"} {
		url := "postgres://nobody@127.0.0.1:1/none"
		if name != "down" {
			url = pgtest.URL(t)
			pgtest.Exec(t, url, fmt.Sprintf(`CREATE TABLE mark AS SELECT '%s' AS name; CREATE SCHEMA other;
				CREATE TABLE other.of_%[1]s (a int); CREATE TABLE %[1]s_only (a int)`, name))
		}
		files := map[string]string{}
		if name == "crm" {
			files["x/of_crm.sql"] = "/*---\ndescription: Of crm.\nparams: [{name: t, type: string, names: table, default: x, description: A table.}]\n---*/\nSELECT name FROM mark WHERE @t IS NOT NULL"
		}
		r := build(t, registry.Config{Name: name, DB: openDB(t, url)}, files)
		all = append(all, &registry.Served{Name: name, Description: "About " + name + ".", Main: name == "shop", Registry: r})
	}
	return registry.NewDatabases(all...)
}

// asIn is the context of a caller of databaseRoles; without a name authentication is off.
func asIn(t *testing.T, sub string) context.Context {
	t.Helper()
	if sub == "" {
		return t.Context()
	}
	return underRole(t, databaseRoles, sub)
}

// answerIn is all that the caller reads of a call.
func answerIn(ctx context.Context, d *registry.Databases, tool, args string) string {
	res, err := d.Call(ctx, tool, json.RawMessage(args))
	if err != nil {
		return err.Error()
	}
	return strings.Join(res.Texts, "\n")
}

func TestDatabases(t *testing.T) {
	d := databases(t)
	const mark = `"sql": "SELECT name FROM mark", "format": "csv"`
	for _, test := range []struct{ name, sub, tool, args, want, not string }{
		{"default", "", "query", `{` + mark + `}`, "shop", "crm"},
		{"default is said", "", "query", `{` + mark + `}`, "Database: shop, as the call names none.", ""},
		{"named", "", "query", `{"database": "crm", ` + mark + `}`, "crm", "Database:"},
		{"named, another tool", "", "list_tables", `{"schema": "other", "database": "crm"}`, "of_crm", "of_shop"},
		{"unknown", "", "query", `{"database": "cmr", ` + mark + `}`, `did you mean "crm"? want shop, crm or down`, ""},
		{"no name", "", "query", `{"database": 5, ` + mark + `}`, `database "5"`, ""},
		{"down", "", "query", `{"database": "down", "sql": "SELECT 1"}`, "not available", ""},
		{"error names it", "", "query", `{"database": "crm", "sql": "SELECT 1/0"}`, "Database: crm.", ""},
		{"elsewhere", "", "query", `{"sql": "SELECT * FROM crm_only"}`, "The database crm has crm_only.", ""},
		{"elsewhere, a tool", "", "describe_table", `{"table_name": "of_crm"}`, "The database crm has other.of_crm.", ""},
		{"tool of one", "", "of_crm", `{}`, `"name":"crm"`, ""},
		{"map of all", "", "describe_database", `{"database": "*"}`, "crm_only", "\x00"},
		{"map of all says what is down", "", "describe_database", `{"database": "*"}`, "# database down: About down.\nThe database is not available", ""},
		{"map of all, a wrong argument", "", "describe_database", `{"database": "*", "max_chars": "few"}`, "max_chars", "SCHEMA"},
		{"only the map", "", "list_tables", `{"database": "*"}`, `database "*" is none`, ""},
		{"list", "", "list_databases", `{}`, `"name":"down","description":"About down.","read_only":false,"configured":true,"available":false`, ""},

		{"role without databases, allow", "clerk", "query", `{` + mark + `}`, "shop", "Database:"},
		{"role without databases, deny", "clerk", "query", `{"database": "crm", ` + mark + `}`, `unknown argument`, "shop"},
		{"role without databases, its own is no argument either", "clerk", "query", `{"database": "shop", ` + mark + `}`, `unknown argument`, "crm"},
		{"role without databases, list", "clerk", "list_databases", `{}`, `unknown tool "list_databases"`, "crm"},
		{"role without databases, errors", "clerk", "query", `{"sql": "SELECT 1/0"}`, `division by zero`, "Database"},
		{"role without databases, elsewhere", "clerk", "query", `{"sql": "SELECT * FROM crm_only"}`, "", "has crm_only"},
		{"role without databases, map", "clerk", "describe_database", `{}`, "shop_only", "crm"},
		{"role without databases, map of all", "clerk", "describe_database", `{"database": "*"}`, "unknown argument", "crm"},
		{"list of databases, allow", "seller", "query", `{` + mark + `}`, "crm", "Database"},
		{"list of databases, its first is the default", "seller", "query", `{` + mark + `}`, "crm", "shop"},
		{"list of databases, deny", "seller", "query", `{"database": "shop", ` + mark + `}`, `unknown argument`, "shop"},
		{"list of databases, its tables", "seller", "query", `{"sql": "SELECT * FROM crm_only"}`, "not in the tables of role seller", ""},
		{"by database, allow", "both", "query", `{"database": "crm", "sql": "SELECT a FROM of_crm"}`, "0 rows", ""},
		{"by database, deny", "both", "query", `{"database": "shop", "sql": "SELECT a FROM other.of_shop"}`, "not in the schemas", "0 rows"},
		{"by database, tools", "both", "list_tables", `{"database": "shop"}`, `database "shop" is none that list_tables works in: want crm`, ""},
		{"by database, not named", "both", "query", `{"database": "down", "sql": "SELECT 1"}`, "want shop or crm", "down or"},
		{"everywhere", "all", "query", `{"database": "crm", "sql": "SELECT a FROM of_crm"}`, "0 rows", ""},
	} {
		got := answerIn(asIn(t, test.sub), d, test.tool, test.args)
		if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
			t.Errorf("%s: %s %s as %q = %s\nwant %q in it, not %q", test.name, test.tool, test.args, test.sub, got, test.want, test.not)
		}
	}
}

// TestCursorOfAnotherDatabase: a cursor belongs to the database that it is of.
func TestCursorOfAnotherDatabase(t *testing.T) {
	d := databases(t)
	_, rest, ok := strings.Cut(answerIn(t.Context(), d, "list_tables", `{"schema": "public", "page_size": 1}`), `"next_cursor":"`)
	cursor, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal("list_tables has no next_cursor")
	}
	for database, want := range map[string]string{"shop": "shop_only", "crm": "cursor: belongs to a call of another tool or with other arguments"} {
		args := fmt.Sprintf(`{"schema": "public", "page_size": 1, "database": %q, "cursor": %q}`, database, cursor)
		if got := answerIn(t.Context(), d, "list_tables", args); !strings.Contains(got, want) {
			t.Errorf("in %s: %s, want %s", database, got, want)
		}
	}
}

// TestWhereARequestWorks: each takes its turn in its own database, so that a slow one holds up no other.
func TestWhereARequestWorks(t *testing.T) {
	d := databases(t)
	for _, test := range []struct{ name, sub, method, tool, params, want string }{
		{"named", "", "tools/call", "query", `{"arguments": {"database": "crm"}}`, "crm"},
		{"not named", "", "tools/call", "query", `{"arguments": {}}`, "shop"},
		{"unknown", "", "tools/call", "query", `{"arguments": {"database": "gone"}}`, "shop"},
		{"hidden", "clerk", "tools/call", "query", `{"arguments": {"database": "crm"}}`, "shop"},
		{"the only one of a role", "seller", "tools/call", "query", `{"arguments": {}}`, "crm"},
		{"a tool of one", "", "tools/call", "of_crm", `{}`, "crm"},
		{"a tool of none", "", "tools/call", "gone", `{}`, "shop"},
		{"list_databases", "both", "tools/call", "list_databases", `{}`, "shop crm"},
		{"the map of all", "all", "tools/call", "describe_database", `{"arguments": {"database": "*"}}`, "shop crm down"},
		{"the map of all as the role has it", "both", "tools/call", "describe_database", `{"arguments": {"database": "*"}}`, "crm"},
		{"tools", "both", "tools/list", "", `{}`, "shop crm"},
		{"rows", "", "resources/read", "", `{"uri": "table://crm/public/mark"}`, "crm"},
		{"rows of a hidden one", "clerk", "resources/read", "", `{"uri": "table://crm/public/mark"}`, "shop"},
		{"resources", "", "resources/list", "", `{}`, "shop"},
		{"resources, next", "", "resources/list", "", `{"cursor": "Y3JtLw=="}`, "crm"},
		{"completion", "", "completion/complete", "", `{"context": {"arguments": {"database": "crm"}}}`, "crm"},
	} {
		var p registry.Place
		if err := json.Unmarshal([]byte(test.params), &p); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range d.Of(asIn(t, test.sub), test.method, test.tool, p) {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s: Of = %s, want %s", test.name, got, test.want)
		}
	}
}

// TestMapOfAllSaysOnceHowToReadIt: each database has its own title and server.
func TestMapOfAllSaysOnceHowToReadIt(t *testing.T) {
	got := answerIn(t.Context(), databases(t), "describe_database", `{"database": "*"}`)
	for text, want := range map[string]int{"A table: name ~rows": 1, "\nDatabase ": 1, "PostgreSQL ": 2, "# database ": 3} {
		if n := strings.Count(got, text); n != want {
			t.Errorf("the map of all has %q %d times, want %d:\n%s", text, n, want, got)
		}
	}
}

func TestDatabasesAreSeenAsTheRoleHasThem(t *testing.T) {
	s := databases(t).Server("test")
	ask := func(sub, method, params string) string {
		body, err := json.Marshal(s.HandleMessage(asIn(t, sub), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`)))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "\\", "")
	}
	const (
		table  = `{"ref": {"type": "ref/resource", "uri": "table://{database}/{schema}/{table}"}, "argument": {"name": "%s", "value": ""}, "context": {"arguments": {"database": "%s"}}}`
		second = "Y3JtLw==" // crm/
	)
	for _, test := range []struct{ name, sub, method, params, want, not string }{
		{"tools", "", "tools/list", `{}`, `"database":{"type":"string","enum":["shop","crm","down"]}`, ""},
		{"map", "", "tools/list", `{}`, `"enum":["shop","crm","down","*"],"description":"shop: About shop; crm: About crm; down: About down. Default shop."`, ""},
		{"tool of one", "", "tools/list", `{}`, `"description":"Of crm. Database crm."`, ""},
		{"tools of a role of one", "clerk", "tools/list", `{}`, `"name":"query"`, "crm"},
		{"tools of a role of one do not name it", "seller", "tools/list", `{}`, `"name":"query"`, "Database crm"},
		{"tools by database", "both", "tools/list", `{}`, `"database":{"type":"string","enum":["shop","crm"]}`, `"down"`},
		{"templates", "", "resources/templates/list", `{}`, `"uriTemplate":"table://{database}/{schema}/{table}"`, ""},
		{"resources", "", "resources/list", `{}`, `"uri":"schema://shop/other"`, "schema://crm"},
		{"resources, next", "", "resources/list", `{"cursor": "` + second + `"}`, `"uri":"schema://crm/other"`, "schema://shop"},
		{"resources of a role", "clerk", "resources/list", `{}`, `"uri":"schema://public"`, "nextCursor"},
		{"resources of a role, next", "clerk", "resources/list", `{"cursor": "` + second + `"}`, `"uri":"schema://public"`, "crm"},
		{"rows", "", "resources/read", `{"uri": "table://crm/public/mark"}`, `"name":"crm"`, ""},
		{"rows, with a database for a role of one", "clerk", "resources/read", `{"uri": "table://shop/public/mark"}`, `"resource not found"`, "shop"},
		{"rows, deny", "both", "resources/read", `{"uri": "table://down/public/mark"}`, `there is no database "down"`, ""},
		{"rows, no such database", "both", "resources/read", `{"uri": "table://none/public/mark"}`, `there is no database "none"`, ""},
		{"rows, in the default one", "", "resources/read", `{"uri": "table://public/mark"}`, `"name":"shop"`, ""},
		{"rows, a role of one", "clerk", "resources/read", `{"uri": "table://public/mark"}`, `"name":"shop"`, ""},
		{"templates of a role of one", "clerk", "resources/templates/list", `{}`, `"uriTemplate":"schema://{schema}"`, "{database}"},
		{"templates of a role of two", "both", "resources/templates/list", `{}`, `"uriTemplate":"schema://{database}/{schema}"`, "schema://{schema}"},
		{"what to do", "both", "initialize", `{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}`, "There are several databases", ""},
		{"what to do with one", "clerk", "initialize", `{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}`, "Few calls", "several databases"},
		{"tool of another database", "", "resources/read", `{"uri": "tool://of_crm"}`, "SELECT name FROM mark", ""},
		{"tool of another database, deny", "clerk", "resources/read", `{"uri": "tool://of_crm"}`, `unknown tool`, "SELECT"},
		{"completion of its argument", "", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://of_crm"}, "argument": {"name": "t", "value": "crm"}}`, `"crm_only"`, ""},
		{"completion of its argument, deny", "clerk", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://of_crm"}, "argument": {"name": "t", "value": "crm"}}`, `"values":[]`, ""},
		{"completion of a role of one", "clerk", "completion/complete", fmt.Sprintf(table, "database", ""), `"values":[]`, ""},
		{"schema", "all", "resources/read", `{"uri": "schema://crm/other"}`, "of_crm", ""},
		{"completion", "both", "completion/complete", fmt.Sprintf(table, "database", ""), `["shop","crm"]`, ""},
		{"completion in one", "", "completion/complete", fmt.Sprintf(table, "schema", "crm"), `"other"`, ""},
		{"completion, deny", "clerk", "completion/complete", fmt.Sprintf(table, "schema", "crm"), `"values":[]`, ""},
	} {
		got := ask(test.sub, test.method, test.params)
		if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
			t.Errorf("%s: %s %s as %q = %s\nwant %q in it, not %q", test.name, test.method, test.params, test.sub, got, test.want, test.not)
		}
	}
}

// TestOneDatabaseShowsNothing holds a server of one database in a file against a server of one database.
func TestOneDatabaseShowsNothing(t *testing.T) {
	url := pgtest.URL(t)
	list := func(name string) string {
		r := build(t, registry.Config{Name: name, DB: openDB(t, url)}, nil)
		d := registry.NewDatabases(&registry.Served{Name: name, Main: true, Registry: r})
		body, err := json.Marshal(d.Server("test").HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)))
		if err != nil {
			t.Fatal(err)
		}
		return string(body) + answerIn(t.Context(), d, "query", `{"sql": "SELECT 1"}`)
	}
	if one, named := list(""), list("shop"); one != named {
		t.Errorf("with a name:\n%s\nwithout:\n%s", named, one)
	}
}

// TestHiddenDatabaseShowsNothing: to a caller whose role has one database a server of several answers as a server of
// that one, and to others one that the role has not is as one that there is not.
func TestHiddenDatabaseShowsNothing(t *testing.T) {
	shop, crm := pgtest.URL(t), pgtest.URL(t)
	pgtest.Exec(t, shop, "CREATE TABLE mark AS SELECT 'shop' AS name; CREATE SCHEMA other")
	pgtest.Exec(t, crm, "CREATE TABLE mark AS SELECT 'crm' AS name; CREATE TABLE crm_only (a int)")
	served := func(name, url string, files map[string]string) *registry.Served {
		return &registry.Served{Name: name, Main: name == "shop", Description: "About.",
			Registry: build(t, registry.Config{Name: name, DB: openDB(t, url)}, files)}
	}
	one := registry.NewDatabases(served("shop", shop, nil))
	several := registry.NewDatabases(served("shop", shop, nil), served("crm", crm, map[string]string{
		"x/of_crm.sql": "/*---\ndescription: Of crm.\n---*/\nSELECT name FROM mark"}))
	ask := func(d *registry.Databases, sub, method, params string) string {
		body, err := json.Marshal(d.Server("test").HandleMessage(asIn(t, sub), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`)))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	call := func(tool, args string) [2]string {
		return [2]string{"tools/call", `{"name": "` + tool + `", "arguments": ` + args + `}`}
	}
	complete := func(uri, name, given string) [2]string {
		return [2]string{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "` + uri + `"}, "argument": {"name": "` + name +
			`", "value": ""}, "context": {"arguments": {"database": "` + given + `"}}}`}
	}
	const cursor = "Y3JtLw==" // crm/
	for _, sub := range []string{"clerk", "all"} {
		for _, request := range [][2]string{
			{"initialize", `{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}`},
			{"server/discover", `{"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}`},
			{"tools/list", `{}`}, {"prompts/list", `{}`}, {"resources/list", `{}`}, {"resources/list", `{"cursor": "` + cursor + `"}`},
			{"resources/templates/list", `{}`},
			{"resources/read", `{"uri": "table://public/mark"}`}, {"resources/read", `{"uri": "schema://other"}`},
			complete("table://{database}/{schema}/{table}", "database", ""), complete("table://{database}/{schema}/{table}", "schema", "crm"),
			complete("table://{schema}/{table}", "schema", "crm"), complete("tool://describe_table", "table_name", "crm"),
			complete("tool://{name}", "name", ""),
			call("list_databases", `{}`), call("query", `{"sql": "SELECT name FROM mark"}`),
			call("query", `{"sql": "SELECT name FROM mark", "database": "crm"}`), call("query", `{"sql": "SELECT a FROM crm_only"}`),
			call("describe_table", `{"table_name": "crm_only"}`), call("describe_database", `{"database": "*"}`), call("describe_database", `{}`),
			call("of_crm", `{}`), call("off_crm", `{}`), call("query", `{"sql": "SELECT 1/0"}`),
		} {
			alone, among := ask(one, sub, request[0], request[1]), ask(several, sub, request[0], request[1])
			if sub == "clerk" && alone != among {
				t.Errorf("%s %s of several:\n%s\nof one:\n%s", request[0], request[1], among, alone)
			}
			if sub == "all" && request[0] == "tools/list" && alone == among {
				t.Errorf("%s of several is as of one for who has all", request[0])
			}
		}
	}
}

// TestHiddenDatabaseIsAsNone: what a caller of two databases reads of a third is what it reads of a name that is none.
func TestHiddenDatabaseIsAsNone(t *testing.T) {
	d := databases(t)
	s := d.Server("test")
	for _, request := range []string{
		`"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 1","database":"%s"}}`,
		`"tools/call","params":{"name":"describe_database","arguments":{"database":"%s"}}`,
		`"tools/call","params":{"name":"server_info","arguments":{"database":"%s"}}`,
		`"resources/read","params":{"uri":"table://%s/public/mark"}`, `"resources/read","params":{"uri":"schema://%s/public"}`,
		`"completion/complete","params":{"ref":{"type":"ref/resource","uri":"table://{database}/{schema}/{table}"},"argument":{"name":"schema","value":""},"context":{"arguments":{"database":"%s"}}}`,
		`"completion/complete","params":{"ref":{"type":"ref/resource","uri":"table://{database}/{schema}/{table}"},"argument":{"name":"database","value":"%s"}}`,
	} {
		var answers []string
		for _, name := range []string{"down", "gone", "crm"} {
			message := `{"jsonrpc":"2.0","id":1,"method":` + fmt.Sprintf(request, name) + `}`
			body, err := json.Marshal(s.HandleMessage(asIn(t, "both"), json.RawMessage(message)))
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, strings.ReplaceAll(string(body), name, "NAME"))
		}
		if answers[0] != answers[1] || answers[0] == answers[2] {
			t.Errorf("%s\nof a hidden one: %s\nof none: %s\nof one that the caller has: %s", request, answers[0], answers[1], answers[2])
		}
	}
}
