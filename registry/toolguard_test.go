package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// guardedTools need different things of a role.
var guardedTools = map[string]string{
	"shop/items.sql":   "/*---\ndescription: Items.\npage: {key: [id], size: 5, max: 50}\n---*/\nSELECT id, owner FROM shop.item",
	"shop/hidden.sql":  "/*---\ndescription: A table of another schema.\n---*/\nSELECT id FROM billing.hidden",
	"shop/suggest.sql": "/*---\ndescription: Suggests from another table.\nparams: [{name: id, type: integer, required: true}]\nnot_found:\n  when: SELECT true\n  message: no {id}\n  suggest: SELECT note FROM billing.hidden\n---*/\nSELECT id FROM shop.item WHERE id = @id",
	"shop/when.sql":    "/*---\ndescription: Asks another table.\nparams: [{name: id, type: integer, required: true}]\nnot_found:\n  when: SELECT EXISTS (SELECT FROM billing.hidden)\n  message: no {id}\n---*/\nSELECT id FROM shop.item WHERE id = @id",
	"shop/add.sql":     "/*---\ndescription: Adds an item.\naccess: write\nparams: [{name: id, type: integer, required: true}]\nresult: affected\n---*/\nINSERT INTO shop.item (id) VALUES (@id)",
	"shop/remove.sql":  "/*---\ndescription: Removes items.\naccess: write\nresult: affected\n---*/\nDELETE FROM shop.item",
	"shop/file.sql":    "/*---\ndescription: A file.\n---*/\nSELECT pg_read_file('PG_VERSION') AS text",
	"shop/spoof.sql":   "/*---\ndescription: Sets who calls.\n---*/\nSELECT set_config('mcp.sub', 'eve', true) AS sub",
	"shop/mend.sql":    "/*---\ndescription: Calls a function.\n---*/\nSELECT shop.tax(1) AS tax",
	"shop/path.sql":    "/*---\ndescription: The path of the caller.\n---*/\nSELECT id FROM item ORDER BY id LIMIT 1",
	"shop/vouched.sql": "/*---\ndescription: The path of the login.\ntrust: owner\n---*/\nSELECT id FROM item ORDER BY id LIMIT 1",
	"shop/clerks.sql":  "/*---\ndescription: For clerks.\nroles: [clerk]\n---*/\nSELECT 1 AS one",
	"shop/bad.sql":     "/*---\ndescription: Fails with a value of a table.\n---*/\nSELECT owner::integer AS n FROM shop.item WHERE id = 1",
	"shop/notes.sql":   "/*---\ndescription: Notes of the caller.\n---*/\nSELECT text FROM shop.note ORDER BY text",
	"other/one.sql":    "/*---\ndescription: One.\n---*/\nSELECT 1 AS one",
}

// guardedFixture is run in addition to permissionFixture.
const guardedFixture = `; ALTER TABLE billing.hidden ADD note text; INSERT INTO billing.hidden VALUES (1, 'top-secret');
CREATE FUNCTION shop.tax(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE TABLE shop.note (owner text, text text); INSERT INTO shop.note VALUES ('ann', 'of ann'), ('bob', 'of bob');
ALTER TABLE shop.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.note USING (owner = current_setting('mcp.sub', true)
  AND owner = nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub');
CREATE FUNCTION public.wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM shop.item RETURNING 1'`

const guardedRoles = `
roles:
  all: {schemas: [shop, billing], tables: "*", operations: [select, insert, update, delete], functions: [tax]}
  reader: {schemas: [shop], tables: "*", operations: [select]}
  few: {schemas: [shop], tables: "*", operations: [select], limits: {rows: 3}, tools: [items, path, vouched, query]}
  clerk: {schemas: [shop, billing], tables: [item, billing.invoice], operations: [select, insert], tools: ["toolset:shop", server_info]}
  elsewhere: {schemas: [secret], tables: "*", operations: [select]}
  none: {schemas: [], tables: [], operations: []}
  toolless: {schemas: [shop], tables: "*", operations: [select], tools: []}
  info: {schemas: [shop], tables: "*", operations: [select], tools: [server_info]}
  other: {schemas: [shop], tables: "*", operations: [select], tools: ["toolset:other"]}
  limited: {schemas: [shop], tables: "*", operations: [select], database_role: DBROLE}
  ghost: {schemas: [shop], tables: "*", operations: [select], database_role: no_such_role}
  own: {schemas: [shop, billing], tables: "*", operations: [select], connection: OWN_DSN}
users: {_default: none}
`

// guarded gives a registry of guardedTools, and the context of a caller who has a role.
func guarded(t *testing.T, c registry.Config) (r *registry.Registry, url string, as func(role, sub string) context.Context) {
	t.Helper()
	url = pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture+guardedFixture)
	dbRole, ownURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA shop TO "+dbRole+"; GRANT SELECT ON shop.note TO "+dbRole)
	rules, err := guard.Parse("roles", []byte(strings.ReplaceAll(guardedRoles, "DBROLE", dbRole)))
	if err != nil {
		t.Fatal(err)
	}
	if c.DB == nil {
		c.DB = openDB(t, url)
	}
	c.RoleDBs = map[string]registry.Database{"OWN_DSN": openDB(t, ownURL)}
	return build(t, c, guardedTools), url, func(role, sub string) context.Context {
		claims := fmt.Appendf(nil, `{"sub": %q}`, sub)
		return guard.WithCaller(t.Context(), &guard.Caller{Sub: sub, Claims: claims, Role: rules.Role(role)})
	}
}

func TestToolsOfACaller(t *testing.T) {
	r, _, as := guarded(t, registry.Config{})
	tests := []struct{ name, role, tool, args, want string }{
		{"a table of the role", "reader", "items", `{"page_size": 2}`, `{"items":[{"id":1,"owner":"ann"},{"id":2,"owner":"ann"}],"next_cursor":`},
		{"a table of another schema", "reader", "hidden", `{}`, `unknown tool "hidden"`},
		{"a table of the role, elsewhere", "all", "hidden", `{}`, `"id":1`},
		{"a table that suggestions read, allow", "all", "suggest", `{"id": 99}`, `no 99`},
		{"a table that suggestions read, deny", "reader", "suggest", `{"id": 99}`, `unknown tool "suggest"`},
		{"a table that is asked, allow", "all", "when", `{"id": 99}`, `no 99`},
		{"a table that is asked, deny", "reader", "when", `{"id": 99}`, `unknown tool "when"`},
		{"an operation, allow", "clerk", "add", `{"id": 100}`, `{"affected":1,"command":"INSERT"}`},
		{"an operation, deny", "reader", "add", `{"id": 101}`, `unknown tool "add"`},
		{"another operation, deny", "clerk", "remove", `{}`, `unknown tool "remove"`},
		{"a function of the server", "all", "file", `{}`, `unknown tool "file"`},
		{"a function of the role", "all", "mend", `{}`, `"tax":2`},
		{"a function of nobody", "reader", "mend", `{}`, `unknown tool "mend"`},
		{"who calls is not set", "all", "spoof", `{}`, `unknown tool "spoof"`},
		{"rows of the role, by a page", "few", "items", `{"page_size": 40}`, `{"id":3,"owner":"ann"}],"next_cursor"`},
		{"rows of the role, by default", "few", "items", `{}`, `{"id":3,"owner":"ann"}],"next_cursor"`},
		{"rows of the server, by a page", "reader", "items", `{"page_size": 8}`, `{"id":8,"owner":"ann"}],"next_cursor"`},
		{"the path of a caller tool", "few", "path", `{}`, `"id":1`},
		{"the path of an owner tool", "few", "vouched", `{}`, `"id":-1`},
		{"roles of the tool, allow", "clerk", "clerks", `{}`, `"one":1`},
		{"roles of the tool, deny", "all", "clerks", `{}`, `unknown tool "clerks"`},
		{"a value in an error", "reader", "bad", `{}`, `invalid text representation: PostgreSQL raised this while the statement ran`},
		{"a role of the database that is not there", "ghost", "items", `{}`, `refuses the database role or the schemas of this caller`},
		{"grants of the database role", "limited", "items", `{}`, `42501`},
		{"no schemas", "none", "items", `{}`, `unknown tool "items"`},
		{"no tools", "toolless", "server_info", `{}`, `unknown tool "server_info"`},
		{"no toolsets", "info", "server_info", `{}`, `"toolsets":[]`},
		{"own login", "own", "items", `{}`, `42501`},
	}
	for _, test := range tests {
		got := answer(t, as(test.role, "ann"), r, test.tool, test.args)
		if !strings.Contains(got, test.want) || strings.Contains(got, "top-secret") && test.role != "all" {
			t.Errorf("%s: %s as %s = %s, want %s in it", test.name, test.tool, test.role, got, test.want)
		}
	}
}

// TestRowSecurityOfCallers has the policies read who calls, where the login would see every row.
func TestRowSecurityOfCallers(t *testing.T) {
	r, _, as := guarded(t, registry.Config{})
	for _, sub := range []string{"ann", "bob", "eve", "ann"} {
		ctx := as("limited", sub)
		for tool, args := range map[string]string{
			"notes": `{}`, "query": `{"sql": "SELECT text FROM note", "format": "json"}`,
		} {
			want := `{"items":[{"text":"of ` + sub + `"}]}`
			if sub == "eve" {
				want = `{"items":[]}`
			}
			if got := answer(t, ctx, r, tool, args); got != want {
				t.Errorf("%s as %s = %s, want %s", tool, sub, got, want)
			}
		}
	}
	for _, sql := range []string{
		"SELECT set_config('mcp.sub', 'bob', true), text FROM note", "SET mcp.sub = 'bob'", "SELECT text FROM note, set_config('request.jwt.claims', '{}', true)",
		"SET LOCAL ROLE NONE", "RESET ROLE", "UPDATE pg_settings SET setting = 'bob' WHERE name = 'mcp.sub'", "SELECT pg_catalog.set_config('role', 'none', true)",
	} {
		args, _ := json.Marshal(map[string]string{"sql": sql})
		if got := answer(t, as("limited", "eve"), r, "query", string(args)); !strings.Contains(got, `"code":"forbidden"`) {
			t.Errorf("%s = %s, want it refused", sql, got)
		}
	}
	if got, _ := call(t, r, "query", `{"sql": "SELECT current_user = session_user AS same", "format": "json"}`); got != `{"items":[{"same":true}]}` {
		t.Errorf("the role after the calls = %s, want the login's", got)
	}
}

// TestToolsLeaveNothing has tools of an operator that put something into the session, which the next caller must not find.
func TestToolsLeaveNothing(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1, Logger: silent()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const owner = "trust: owner\n"
	r := build(t, registry.Config{DB: db}, map[string]string{
		"x/put.sql":  "/*---\ndescription: x\naccess: write\n" + owner + "---*/\nSELECT set_config('app.who', @caller_sub, false) AS a, set_config('search_path', 'secret', false) AS b",
		"x/lock.sql": "/*---\ndescription: x\n" + owner + "---*/\nSELECT pg_advisory_lock(7)::text AS a",
		"x/look.sql": "/*---\ndescription: x\nresult: object\n" + owner + "---*/\nSELECT coalesce(current_setting('app.who', true), '') AS who, current_schemas(false)::text AS path, " +
			"(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks",
	})
	for _, tool := range []string{"put", "lock"} {
		if got := answer(t, as(t, "ann"), r, tool, `{}`); !strings.Contains(got, `"items":[{"a":`) {
			t.Errorf("%s = %s, want an answer", tool, got)
		}
		if got := answer(t, as(t, "cem"), r, "look", `{}`); got != `{"who":"","path":"{public}","locks":0}` {
			t.Errorf("after %s of another caller the session holds %s, want nothing", tool, got)
		}
	}
}

// rpc sends a message to the server and gives the answer.
func rpc(t *testing.T, ctx context.Context, s *server.MCPServer, method, params string) string {
	t.Helper()
	body, err := json.Marshal(s.HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`)))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// listed are the tools of tools/list.
func listed(t *testing.T, ctx context.Context, s *server.MCPServer) []string {
	t.Helper()
	var list struct {
		Result struct{ Tools []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(rpc(t, ctx, s, "tools/list", `{}`)), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Result.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// TestListsAgree holds all that names tools against what can be called, for every role and every tool, with and without
// read-only mode.
func TestListsAgree(t *testing.T) {
	arguments := map[string]string{"suggest": `{"id": 1}`, "when": `{"id": 1}`, "add": `{"id": 200}`, "query": `{"sql": "SELECT 1"}`, "describe_table": `{"table_name": "item"}`}
	for _, readOnly := range []bool{false, true} {
		r, _, as := guarded(t, registry.Config{ReadOnly: readOnly})
		s := r.Server("test")
		roles := []string{"all", "reader", "clerk"}
		if !readOnly {
			roles = append(roles, "few", "elsewhere", "none", "toolless", "info", "other", "limited", "ghost", "own", "unknown")
		}
		for _, role := range roles {
			ctx := as(role, "ann")
			want := listed(t, ctx, s)
			var called []string
			for _, name := range r.Names() {
				args := arguments[name]
				if def, _, _ := r.Tool(name); def.Source == "" && def.Toolset != "explore" && def.Toolset != "" {
					if slices.Contains(want, name) { // alike; TestListedToolsAreThoseThatCanBeCalled has them all
						called = append(called, name)
					}
					continue
				}
				if args == "" {
					args = `{}`
				}
				got := rpc(t, ctx, s, "tools/call", `{"name":"`+name+`","arguments":`+args+`}`)
				switch {
				case strings.Contains(got, `"code":-32602`):
				case strings.Contains(got, `"code":"forbidden"`), strings.Contains(got, `"code":"read_only"`):
					t.Errorf("read only %v: %s as %s is refused when it is called: %s", readOnly, name, role, got)
				default:
					called = append(called, name)
				}
				shown := strings.Contains(rpc(t, ctx, s, "resources/read", `{"uri": "tool://`+name+`"}`), `"contents"`) || name == "query" || name == "server_info"
				if shown != slices.Contains(want, name) && !strings.Contains("query server_info", name) {
					t.Errorf("read only %v: tool://%s as %s is shown: %v", readOnly, name, role, shown)
				}
			}
			if !slices.Equal(called, want) {
				t.Errorf("read only %v: as %s tools/list has %v, and callable are %v", readOnly, role, want, called)
			}
			if slices.Contains(want, "server_info") {
				info := answer(t, ctx, r, "server_info", `{}`)
				names, _ := json.Marshal(want)
				if !strings.Contains(info, `"tools":`+string(names)) {
					t.Errorf("read only %v: server_info as %s = %s, want the tools %s", readOnly, role, info, names)
				}
			}
			names, _ := json.Marshal(want)
			if want == nil {
				names = []byte("[]")
			}
			got := rpc(t, ctx, s, "completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://{name}"}, "argument": {"name": "name", "value": ""}}`)
			if !strings.Contains(got, `"values":`+string(names)) {
				t.Errorf("read only %v: completion as %s = %s, want %s", readOnly, role, got, names)
			}
		}
	}
}

// TestListsWithoutDatabase: what a role does not name is not told to it while nothing can be looked up.
func TestListsWithoutDatabase(t *testing.T) {
	r, _, as := guarded(t, registry.Config{DB: openDB(t, "")})
	s := r.Server("test")
	if got := listed(t, as("reader", "ann"), s); !slices.Contains(got, "items") || slices.Contains(got, "hidden") || slices.Contains(got, "suggest") {
		t.Errorf("tools/list without a database = %v, want items, and neither hidden nor suggest", got)
	}
	if got := rpc(t, as("reader", "ann"), s, "resources/read", `{"uri": "tool://hidden"}`); !strings.Contains(got, "unknown tool") {
		t.Errorf("tool://hidden without a database = %s, want it unknown", got)
	}
}

// TestToolsReadOnly has a superuser's login and tools of an operator that would do something.
func TestToolsReadOnly(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture+guardedFixture+"; CREATE VIEW shop.sly AS SELECT public.wipe() AS n, pg_read_file('PG_VERSION') AS text")
	head := func(more string) string { return "/*---\ndescription: x\n" + more + "---*/\n" }
	files := map[string]string{"shop/add.sql": guardedTools["shop/add.sql"], "shop/owner_add.sql": head("access: write\ntrust: owner\nresult: affected\n") + "DELETE FROM shop.item"}
	refused := []string{"add", "owner_add"}
	for trust, more := range map[string]string{"caller": "", "owner": "trust: owner\n"} {
		for name, sql := range map[string]string{
			"file": "SELECT pg_read_file('PG_VERSION') AS t", "wipe": "SELECT public.wipe() AS n", "view": "SELECT * FROM shop.sly", "stop": "SELECT pg_reload_conf() AS x",
			"notify": "SELECT pg_notify('a', 'b') AS x", "lock": "SELECT pg_advisory_lock(1) AS x", "seq": "SELECT lo_create(0) AS x",
			"setting": "SELECT set_config('transaction_read_only', 'off', true) AS x", "kill": "SELECT pg_terminate_backend(0) AS x",
		} {
			files["shop/"+trust+"_"+name+".sql"] = head(more) + sql
			refused = append(refused, trust+"_"+name)
		}
		files["shop/"+trust+"_good.sql"] = head(more) + "SELECT count(*) AS n FROM shop.item WHERE id <= 10"
		files["shop/"+trust+"_side.sql"] = head(more+"params: [{name: id, type: integer, required: true}]\nnot_found:\n  when: SELECT public.wipe() = 1\n  message: no {id}\n") +
			"SELECT id FROM shop.item WHERE id = @id"
		refused = append(refused, trust+"_side")
	}
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, files)
	names := listed(t, t.Context(), r.Server("test"))
	for _, name := range refused {
		if got := answer(t, t.Context(), r, name, `{}`); !strings.Contains(got, "unknown tool") || slices.Contains(names, name) {
			t.Errorf("%s in read-only mode = %s, listed %v; want it unknown", name, got, slices.Contains(names, name))
		}
	}
	for _, name := range []string{"caller_good", "owner_good"} {
		if got := answer(t, t.Context(), r, name, `{}`); got != `{"items":[{"n":10}]}` || !slices.Contains(names, name) {
			t.Errorf("%s in read-only mode = %s, listed %v; want 10 items", name, got, slices.Contains(names, name))
		}
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM shop.item"); got != "10" {
		t.Errorf("%s items are left, want 10", got)
	}
}

// TestResourceURIs reads what a role may not by URIs in every disguise.
func TestResourceURIs(t *testing.T) {
	r, _, as := guarded(t, registry.Config{})
	s := r.Server("test")
	for _, uri := range []string{
		"table://billing/hidden", "table://billing/%68idden", "table://%62illing/hidden", "table://shop/..%2Fbilling%2Fhidden", "table://shop/billing.hidden",
		"table://billing.hidden/", `table://shop/item%22%20UNION%20SELECT%20note%20FROM%20billing.%22hidden`, "table://shop/item%22,%22billing%22.%22hidden",
		"table://shop/item/../../billing/hidden", "table://shop,billing/hidden", "table://billing/hidden?x=1", "table://BILLING/HIDDEN", "table:///hidden", "table://shop/item%00",
		"table://pg_catalog/pg_authid", "table://pg_catalog/pg_stat_activity", "table://information_schema/tables", "table://pg_toast/pg_toast_1", "table://public/item",
		"schema://billing", "schema://%62illing", "schema://shop,billing", "schema://billing%00", "schema://public", "schema://pg_catalog", "schema://", "schema://%25", "schema://secret",
		"tool://hidden", "tool://hidde%6e", "tool://hidden%00", "tool://HIDDEN", "tool://../hidden", "file:///etc/passwd",
	} {
		got := rpc(t, as("reader", "ann"), s, "resources/read", `{"uri": "`+uri+`"}`)
		if !strings.Contains(got, `"error":`) {
			t.Errorf("%s = %s, want an error", uri, got)
		}
		for _, secret := range []string{"top-secret", "note text", "did you mean billing", "invoice", "plan", "FROM billing.hidden"} {
			if rest := strings.ReplaceAll(got, uri, ""); strings.Contains(rest, secret) {
				t.Errorf("%s = %s, which tells of %s", uri, got, secret)
			}
		}
	}
	for uri, want := range map[string]string{"table://shop/item": `\"owner\":\"ann\"`, "table://shop/%69tem": `\"owner\":\"ann\"`, "schema://shop": "TABLE item", "tool://items": "FROM shop.item"} {
		if got := rpc(t, as("reader", "ann"), s, "resources/read", `{"uri": "`+uri+`"}`); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s", uri, got, want)
		}
	}
	for _, kind := range []string{"table", "schema"} {
		for _, schema := range []string{"billing", "secret", "public", "pg_catalog", ""} {
			got := rpc(t, as("reader", "ann"), s, "completion/complete", `{"ref": {"type": "ref/resource", "uri": "table://{schema}/{table}"}, "argument": {"name": "`+kind+
				`", "value": ""}, "context": {"arguments": {"schema": "`+schema+`"}}}`)
			for _, secret := range []string{"hidden", "plan", "billing", "pg_", "secret", "public"} {
				if strings.Contains(got, secret) {
					t.Errorf("completion of %s in %q = %s, which tells of %s", kind, schema, got, secret)
				}
			}
		}
	}
}

// TestCallerDegradesNoTool: what a role's search path or login makes of a tool says nothing about the tool.
func TestCallerDegradesNoTool(t *testing.T) {
	recheck := registry.NewRecheck()
	r, url, as := guarded(t, registry.Config{Recheck: recheck})
	pgtest.Exec(t, url, "DROP TABLE shop.item")
	if got := answer(t, as("few", "ann"), r, "path", `{}`); !strings.Contains(got, "42P01") && !strings.Contains(got, "unknown tool") {
		t.Errorf("path without its table = %s, want an error", got)
	}
	if got, rechecked := r.Status().Degraded, recheck.Take(); len(got) > 0 || len(rechecked) > 0 {
		t.Errorf("after a call with the path of a role %v are degraded and %v suspected, want none", got, rechecked)
	}
	pgtest.Exec(t, url, "DROP TABLE public.item")
	answer(t, as("few", "ann"), r, "vouched", `{}`)
	if got, rechecked := r.Status().Degraded, recheck.Take(); len(got) != 1 || !maps.Equal(rechecked, map[string]bool{"vouched": true}) {
		t.Errorf("after a call with the path of the login %v are degraded and %v suspected, want vouched", got, rechecked)
	}
	if got := answer(t, as("all", "ann"), r, "server_info", `{}`); !strings.Contains(got, `{"tool":"vouched","reason":"it no longer fits the database; the server's log says why"}`) {
		t.Errorf("server_info of a role = %s, want vouched degraded without the database's words", got)
	}
	if got := answer(t, as("info", "ann"), r, "server_info", `{}`); strings.Contains(got, "vouched") {
		t.Errorf("server_info of a role without the tool = %s, want no word of it", got)
	}
}

// countedDB counts what is asked of a database.
type countedDB struct {
	registry.Database
	calls int
}

func (d *countedDB) Run(ctx context.Context, c postgres.Call, s postgres.Sink) (postgres.Outcome, error) {
	d.calls++
	return d.Database.Run(ctx, c, s)
}

// TestPagesAreDecidedOnOnce: the list of tools and the first page of a caller tool share one decision. That on the next
// pages, which compare, is remembered.
func TestPagesAreDecidedOnOnce(t *testing.T) {
	url := pgtest.URL(t)
	db := &countedDB{Database: openDB(t, url)}
	r, _, as := guarded(t, registry.Config{DB: db})
	pgtest.Exec(t, url, permissionFixture+guardedFixture)
	ctx := as("reader", "ann")
	if !slices.Contains(r.NamesFor(ctx), "items") {
		t.Fatal("items is not offered to reader")
	}
	db.calls = 0
	first := answer(t, ctx, r, "items", `{"page_size": 2}`)
	_, cursor, _ := strings.Cut(first, `"next_cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if db.calls != 1 {
		t.Errorf("the first page takes %d statements, want one", db.calls)
	}
	for n := range 2 {
		next := answer(t, ctx, r, "items", `{"page_size": 2, "cursor": "`+cursor+`"}`)
		if want := 3 + n; !strings.Contains(next, `"id":3`) || db.calls != want {
			t.Errorf("the next page is %s, after %d statements; want %d", next, db.calls, want)
		}
	}
}
