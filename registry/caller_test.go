package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const permissions = `
roles:
  analyst: {schemas: [shop], tables: "*", operations: [select], limits: {rows: 3, timeout: 1s}}
  clerk: {schemas: [shop, billing], tables: [item, billing.invoice], operations: [select, insert], tools: [list_tables, "toolset:x"]}
  own: {schemas: [shop], tables: "*", operations: [select], connection: OWN_DSN}
users:
  ann: analyst
  cem: clerk
  own: own
`

const permissionFixture = `CREATE SCHEMA shop; CREATE SCHEMA billing; CREATE SCHEMA secret;
CREATE TABLE shop.item (id int PRIMARY KEY, owner text); CREATE TABLE shop.other (id int);
CREATE TABLE billing.invoice (id int); CREATE TABLE billing.hidden (id int); CREATE TABLE secret.plan (id int);
CREATE TABLE public.item (id int); INSERT INTO public.item VALUES (-1);
INSERT INTO shop.item SELECT n, 'ann' FROM generate_series(1, 10) AS n`

var permissionTools = map[string]string{
	"x/mine.sql": `/*---
description: The caller as the SQL sees it.
trust: owner
result: object
---*/
SELECT @caller_sub AS sub, @caller_role AS role, @caller_claims->>'team' AS team, @caller_schemas AS schemas, @caller_tables AS tables,
  current_setting('mcp.sub', true) AS set_sub, nullif(current_setting('request.jwt.claims', true), '')::json->>'team' AS set_team, current_setting('search_path') AS path`,
	"x/path.sql":       "/*---\ndescription: The path.\n---*/\nSELECT current_schemas(true)::text AS path",
	"x/only_clerk.sql": "/*---\ndescription: For clerks.\nroles: [clerk]\ntrust: owner\n---*/\nSELECT 1 AS one",
	"y/many.sql":       "/*---\ndescription: Many rows.\ntrust: owner\n---*/\nSELECT n FROM generate_series(1, 100) AS n",
	"y/slow.sql":       "/*---\ndescription: Slow.\ntrust: owner\n---*/\nSELECT pg_sleep(20)",
}

// as gives the context of a caller by the rules of permissions.
func as(t *testing.T, sub string) context.Context {
	t.Helper()
	return asBy(t, permissions, sub)
}

// asBy is as by other rules.
func asBy(t *testing.T, text, sub string) context.Context {
	t.Helper()
	rules, err := guard.Parse("permissions.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := rules.Caller(sub, json.RawMessage(`{"sub": "`+sub+`", "team": "red"}`))
	if err != nil {
		return guard.WithCaller(t.Context(), &guard.Caller{Sub: sub})
	}
	return guard.WithCaller(t.Context(), c)
}

// answer is what a caller gets: the structured answer, the text, or the words of an unknown tool.
func answer(t *testing.T, ctx context.Context, r *registry.Registry, tool, args string) string {
	t.Helper()
	res, err := r.Call(ctx, tool, json.RawMessage(args))
	if err != nil {
		return err.Error()
	}
	if body := res.Body(); body != nil {
		return string(body)
	}
	return text(t, res)
}

func TestCallers(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture)
	_, ownURL := pgtest.Role(t, url)
	r := build(t, registry.Config{DB: openDB(t, url), RoleDBs: map[string]registry.Database{"OWN_DSN": openDB(t, ownURL)}}, permissionTools)
	tests := []struct{ name, sub, tool, args, want string }{
		{"values and settings", "cem", "mine", `{}`, `{"sub":"cem","role":"clerk","team":"red","schemas":["shop","billing"],` +
			`"tables":["shop.item","shop.\"item\"","\"shop\".item","\"shop\".\"item\"","billing.item"`},
		{"settings", "cem", "mine", `{}`, `"set_sub":"cem","set_team":"red","path":"\"$user\", public"`},
		{"path of a caller tool", "cem", "path", `{}`, `"path":"{pg_catalog,shop,billing}"`},
		{"tool not of the role", "cem", "many", `{}`, `unknown tool "many"`},
		{"query not of the role", "cem", "query", `{"sql": "SELECT 1"}`, `unknown tool "query"`},
		{"roles of the tool, allow", "cem", "only_clerk", `{}`, `{"items":[{"one":1}]}`},
		{"roles of the tool, deny", "ann", "only_clerk", `{}`, `unknown tool "only_clerk"`},
		{"no role", "eve", "list_tables", `{}`, `unknown tool "list_tables"`},
		{"schemas, allow", "ann", "list_tables", `{"schema": "shop"}`, `"table_name":"other"`},
		{"schemas, deny", "ann", "list_tables", `{"schema": "secret"}`, `"code":"not_found"`},
		{"tables, allow", "cem", "list_tables", `{"schema": "billing"}`, `"table_name":"invoice"`},
		{"current schema is the role's", "ann", "list_tables", `{}`, `"table_name":"item"`},
		{"rows of the role", "ann", "many", `{}`, `{"items":[{"n":1},{"n":2},{"n":3}],"truncated":{"by":"rows","limit":3}}`},
		{"time of the role", "ann", "slow", `{}`, `longer than its time limit of 1s`},
		{"own login", "own", "query", `{"sql": "SELECT id FROM shop.item"}`, `42501`},
	}
	for _, test := range tests {
		if got := answer(t, as(t, test.sub), r, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s as %s = %s, want %s in it", test.name, test.tool, test.sub, got, test.want)
		}
	}
	for _, hidden := range []string{"billing.hidden", "plan"} {
		if got := answer(t, as(t, "cem"), r, "list_tables", `{"schema": "billing"}`); strings.Contains(got, hidden) {
			t.Errorf("list_tables as cem = %s, want no %s", got, hidden)
		}
	}
	if got := answer(t, t.Context(), r, "mine", `{}`); !strings.Contains(got, `{"sub":null,"role":null,"team":null,"schemas":null,"tables":null`) {
		t.Errorf("mine without authentication = %s, want NULL", got)
	}
}

func TestListedToolsAreThoseThatCanBeCalled(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, "")}, permissionTools)
	s := r.Server("test")
	for sub, want := range map[string]string{
		"ann": strings.ReplaceAll(strings.Join(r.Names(), " "), " only_clerk", ""),
		"cem": "list_tables mine only_clerk path", "eve": "",
	} {
		ctx := as(t, sub)
		body, err := json.Marshal(s.HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)))
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Result struct{ Tools []struct{ Name string } }
		}
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range list.Result.Tools {
			names = append(names, tool.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("tools/list as %q = %s, want %s", sub, got, want)
		}
		for _, name := range r.Names() {
			message := json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":{}}}`)
			body, err := json.Marshal(s.HandleMessage(ctx, message))
			if err != nil {
				t.Fatal(err)
			}
			listed := strings.Contains(" "+want+" ", " "+name+" ")
			if called := !strings.Contains(string(body), `"code":-32602`); called != listed {
				t.Errorf("tools/call %s as %q = %s, want listed and callable alike: %v", name, sub, body, listed)
			}
		}
	}
}

func TestRoleWithoutItsConnection(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, permissionTools)
	if got := answer(t, as(t, "own"), r, "list_schemas", `{}`); !strings.Contains(got, `"code":"internal"`) {
		t.Errorf("list_schemas of a role without its connection = %s, want an error", got)
	}
}

func TestResourcesOfACaller(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture)
	prompts := loadPrompts(t, map[string]string{
		"all": "---\ndescription: x\n---\nHello", "clerks": "---\ndescription: x\nroles: [clerk]\n---\nHello"})
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Prompts: prompts}, permissionTools, "explore")
	s := r.Server("test")
	tests := []struct{ name, sub, method, params, want, not string }{
		{"schema", "cem", "resources/read", `{"uri": "schema://billing"}`, "TABLE invoice", "hidden"},
		{"schema of others", "ann", "resources/read", `{"uri": "schema://secret"}`, "There is no schema", "plan"},
		{"tool", "ann", "resources/read", `{"uri": "tool://many"}`, "generate_series", "unknown tool"},
		{"tool of others", "cem", "resources/read", `{"uri": "tool://many"}`, "unknown tool", "generate_series"},
		{"rows without query", "cem", "resources/read", `{"uri": "table://shop/item"}`, "not offered", "owner"},
		{"completion", "ann", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": ""}}`, `["shop"]`, "secret"},
		{"completion of tools", "cem", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "tool://{name}"}, "argument": {"name": "name", "value": ""}}`, `only_clerk`, "many"},
		{"completion without a role", "eve", "completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": ""}}`, `[]`, "shop"},
		{"prompts, allow", "cem", "prompts/list", `{}`, `"clerks"`, "-32602"},
		{"prompts, deny", "ann", "prompts/list", `{}`, `"all"`, "clerks"},
		{"prompt, deny", "ann", "prompts/get", `{"name": "clerks"}`, `-32602`, "Hello"},
		{"prompts without a role", "eve", "prompts/list", `{}`, `[]`, "all"},
	}
	for _, test := range tests {
		message := json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"` + test.method + `","params":` + test.params + `}`)
		body, err := json.Marshal(s.HandleMessage(as(t, test.sub), message))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(body); !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("%s: %s as %s = %s, want %s and not %s", test.name, test.method, test.sub, got, test.want, test.not)
		}
	}
}

func TestRecords(t *testing.T) {
	o, lines := observer(t)
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), Observer: o}, permissionTools)
	answer(t, as(t, "ann"), r, "many", `{}`)
	answer(t, t.Context(), r, "many", `{"x": 1}`)
	if len(lines()) != 2 {
		t.Fatalf("%d records, want 2", len(lines()))
	}
	got := lines()[0]
	if got.Sub != "ann" || got.Role != "analyst" || got.Tool != "many" || got.Outcome != "ok" || got.Rows != 3 || got.Bytes == 0 ||
		got.MS <= 0 || got.MS > 60_000 || !strings.Contains(got.SQL, "generate_series") {
		t.Errorf("record of a call = %+v", got)
	}
	if got := lines()[1]; got.Sub != "" || got.Code != "invalid_arguments" {
		t.Errorf("record of a wrong call = %+v", got)
	}
}

// line is a line of the audit.
type line struct {
	Sub, Role, Tool, Outcome, Code, SQL string
	Rows, Bytes                         int
	MS                                  float64
}

// observer keeps the records of calls; lines gives those that came.
func observer(t *testing.T) (o observe.Observer, lines func() []line) {
	t.Helper()
	var text bytes.Buffer
	audit, err := observe.OpenAudit("stderr", true, &text, silent())
	if err != nil {
		t.Fatal(err)
	}
	return observe.Observer{Audit: audit}, func() (all []line) {
		for part := range strings.Lines(text.String()) {
			var l line
			if err := json.Unmarshal([]byte(part), &l); err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		return all
	}
}
