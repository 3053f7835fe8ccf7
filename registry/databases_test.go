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
			files["x/of_crm.sql"] = "/*---\ndescription: Of crm.\n---*/\nSELECT name FROM mark"
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
		{"only the map", "", "list_tables", `{"database": "*"}`, `database "*" is none`, ""},
		{"list", "", "list_databases", `{}`, `"name":"down","description":"About down.","read_only":false,"configured":true,"available":false`, ""},

		{"role without databases, allow", "clerk", "query", `{` + mark + `}`, "shop", "Database:"},
		{"role without databases, deny", "clerk", "query", `{"database": "crm", ` + mark + `}`, `want shop`, "crm or"},
		{"role without databases, list", "clerk", "list_databases", `{}`, `"name":"shop"`, "crm"},
		{"role without databases, elsewhere", "clerk", "query", `{"sql": "SELECT * FROM crm_only"}`, "", "has crm_only"},
		{"role without databases, map", "clerk", "describe_database", `{"database": "*"}`, "shop_only", "crm"},
		{"list of databases, allow", "seller", "query", `{"database": "crm", ` + mark + `}`, "crm", ""},
		{"list of databases, its first is the default", "seller", "query", `{` + mark + `}`, "crm", "shop"},
		{"list of databases, deny", "seller", "query", `{"database": "shop", ` + mark + `}`, `database "shop" is none that query works in: want crm`, ""},
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
		{"resources of a role", "clerk", "resources/list", `{}`, `"uri":"schema://shop/public"`, "nextCursor"},
		{"resources of a role, next", "clerk", "resources/list", `{"cursor": "` + second + `"}`, `"uri":"schema://shop/public"`, "crm"},
		{"rows", "", "resources/read", `{"uri": "table://crm/public/mark"}`, `"name":"crm"`, ""},
		{"rows, deny", "clerk", "resources/read", `{"uri": "table://crm/public/mark"}`, `there is no database "crm"`, ""},
		{"rows, no such database", "clerk", "resources/read", `{"uri": "table://none/public/mark"}`, `there is no database "none"`, ""},
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
