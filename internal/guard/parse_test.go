package guard_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
)

func parse(t *testing.T, text string) *guard.Rules {
	t.Helper()
	rules, err := guard.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%s) = %v", text, err)
	}
	return rules
}

func TestParseRole(t *testing.T) {
	rules := parse(t, `
roles:
  analyst:
    schemas: [shop, "My Schema", pg_catalog]
    tables: [orders, shop.order.items]
    operations: [select, update]
    tools: [query, toolset:explore]
    functions: [tax, other.fee]
    database_role: analyst_ro
    connection: ANALYST_DSN
    limits: {timeout: 10s, rows: 1000, bytes: 4096}
users: {_default: analyst}`)
	want := []*guard.Role{{
		Name: "analyst", Schemas: []string{"shop", "My Schema", "pg_catalog"},
		Tables:     []guard.Table{{Name: "orders"}, {Schema: "shop", Name: "order.items"}},
		Operations: sqlscan.OpSelect | sqlscan.OpUpdate, Tools: []string{"query", "toolset:explore"},
		Functions:    []guard.Table{{Name: "tax"}, {Schema: "other", Name: "fee"}},
		DatabaseRole: "analyst_ro", Connection: "ANALYST_DSN", Limits: guard.Limits{Timeout: 10 * time.Second, Rows: 1000, Bytes: 4096},
	}}
	if diff := cmp.Diff(want, rules.Roles); diff != "" {
		t.Errorf("Parse gives other roles (-want +got):\n%s", diff)
	}
	role := rules.Role("analyst")
	if got, want := role.SearchPath(), `"shop", "My Schema", pg_temp`; got != want {
		t.Errorf("SearchPath() = %s, want %s", got, want)
	}
	for tool, want := range map[string]bool{"query": true, "list_tables": true, "other": false} {
		if got := role.AllowsTool(tool, map[string]string{"list_tables": "explore"}[tool]); got != want {
			t.Errorf("AllowsTool(%s) = %v, want %v", tool, got, want)
		}
	}
	env := map[string]string{}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	if err := rules.CheckConnections(lookup); err == nil || !strings.HasPrefix(err.Error(), "p.yaml:10:17: connection ANALYST_DSN") {
		t.Errorf("CheckConnections without the variable = %v, want its place", err)
	}
	env["ANALYST_DSN"] = "postgres://"
	if err := rules.CheckConnections(lookup); err != nil {
		t.Errorf("CheckConnections with the variable = %v", err)
	}
}

func TestParseFaults(t *testing.T) {
	const role = "roles:\n  a: {schemas: [s], tables: \"*\", operations: [select]}\n"
	tests := []struct{ name, text, want string }{
		{"empty", "", "p.yaml:1:1: the file is empty"},
		{"not YAML", "roles: [", "p.yaml:1:1: YAML syntax: did not find expected node content: the list or mapping is not closed"},
		{"list", "- a", "p.yaml:1:1: the file is a list"},
		{"two documents", role + "users: {}\n---\n{}", "p.yaml:4:1: second YAML document: want one"},
		{"unknown key", role + "usrs: {}", `p.yaml:3:1: unknown key "usrs" in the file: did you mean "users"?`},
		{"unknown role key", "roles:\n  a: {schema: [s]}\nusers: {}", `p.yaml:2:7: unknown key "schema" in role "a": did you mean "schemas"?`},
		{"missing tables", "roles:\n  a: {schemas: [s], operations: [select]}\nusers: {}", `p.yaml:2:3: tables is missing in role "a"`},
		{"twice", role + "users:\n  bob: a\n  bob: a", `p.yaml:5:3: key "bob" is in users twice`},
		{"unknown role", role + "users: {bob: b}", `p.yaml:3:14: the role of user "bob" is "b", which is no role: want a`},
		{"unknown role, long form", role + "users: {bob: {role: aa}}", `the role of user "bob" is "aa", which is no role: did you mean "a"?`},
		{"role missing", role + "users: {bob: {}}", `p.yaml:3:14: the role of user "bob" is missing`},
		{"role a number", role + "users: {bob: 1}", `the role of user "bob" is the number 1: want text, in quotes: "1"`},
		{"operation", strings.Replace(role, "[select]", "[selct]", 1), `p.yaml:2:47: operation "selct": did you mean "select"?`},
		{"truncate", strings.Replace(role, "[select]", "[truncate]", 1), `operation "truncate": want select, insert, update or delete`},
		{"schemas text", strings.Replace(role, "[s]", "s", 1), `schemas is "s": want a list`},
		{"tables text", strings.Replace(role, `"*"`, "orders", 1), `tables is "orders": want "*" or a list`},
		{"star in a list", strings.Replace(role, `"*"`, `["*"]`, 1), `"*" is in a list`},
		{"table of another schema", strings.Replace(role, `"*"`, `[t.x]`, 1), `table "t.x" is of schema "t", which is not in schemas`},
		{"function of PostgreSQL", strings.Replace(role, "}", ", functions: [pg_catalog.set_config]}", 1), `function "pg_catalog.set_config": want names of user-defined functions`},
		{"tool", strings.Replace(role, "}", ", tools: [\"Bad Tool\"]}", 1), `tool "Bad Tool": want the name of a tool`},
		{"connection string", strings.Replace(role, "}", ", connection: \"postgres://u:secret@h/d\"}", 1), `connection holds something else than a name`},
		{"timeout", strings.Replace(role, "}", ", limits: {timeout: 10}}", 1), `timeout is the number 10: want a duration from 1ms to 24h`},
		{"rows", strings.Replace(role, "}", ", limits: {rows: 0}}", 1), `rows is the number 0: want a whole number`},
		{"alias", "roles:\n  a: &x {schemas: [s], tables: \"*\", operations: []}\n  b: *x\nusers: {}", `p.yaml:3:6: YAML alias *x: want the value itself`},
		{"tag", strings.Replace(role, "[s]", "[!!str 5]", 1), `p.yaml:2:17: YAML tag !!str: want the value without it`},
		{"merge key", "roles:\n  a: {<<: {schemas: [s]}}\nusers: {}", `p.yaml:2:7: YAML merge key <<: want the keys themselves`},
		{"two lines", strings.Replace(role, "[s]", `["s\nt"]`, 1), `p.yaml:2:17: "s\nt" has more than one line: want a name`},
		{"comma in a text", "roles:\n  a: {schemas: [s], tables: \"*\", operations: [select], connection: A, B}\nusers: {}",
			`p.yaml:2:71: unknown key "B" in role "a": want schemas, tables, operations, tools, functions, database_role, connection, limits or databases; a text with a comma in it needs quotes`},
		{"control character", role + "users: {\x01: a}", `p.yaml:3:9: control character U+0001: want text`},
		{"not UTF-8", role + "users: {\xff: a}", `p.yaml:3:9: invalid UTF-8: want UTF-8 text`},
		{"claims", role + "claims: {map: {x: a}}", `path is missing in claims`},
		{"temporary schema", strings.Replace(role, "[s]", "[pg_temp]", 1), `schema "pg_temp" is not for roles`},
		{"role none", strings.Replace(role, "}", ", database_role: none}", 1), `database_role none is PostgreSQL's word for no role`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules, err := guard.Parse("p.yaml", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) || rules != nil {
				t.Errorf("Parse(%s) = %v\nwant %s", test.text, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("Parse tells a password: %v", err)
			}
		})
	}
}

func TestCaller(t *testing.T) {
	rules := parse(t, `
roles:
  low: {schemas: [s], tables: [], operations: []}
  mid: {schemas: [s], tables: [], operations: []}
  top: {schemas: [s], tables: [], operations: []}
users: {sub-1: top, alice@x.org: {role: mid}}
claims: {path: realm.roles, map: {b: mid, a: low}}`)
	tests := []struct{ name, sub, claims, want string }{
		{"sub", "sub-1", `{}`, "top"},
		{"sub before claims", "sub-1", `{"realm": {"roles": ["a"]}}`, "top"},
		{"verified email", "x", `{"email": "alice@x.org", "email_verified": true}`, "mid"},
		{"email not verified", "x", `{"email": "alice@x.org", "email_verified": false}`, ""},
		{"email verified as text", "x", `{"email": "alice@x.org", "email_verified": "true"}`, ""},
		{"email without a word on it", "x", `{"email": "alice@x.org"}`, ""},
		{"claim", "x", `{"realm": {"roles": "a"}}`, "low"},
		{"claims in the order of the file", "x", `{"realm": {"roles": ["a", "b"]}}`, "mid"},
		{"claim with a dotted key", "x", `{"realm.roles": ["a"]}`, "low"},
		{"unknown claim", "x", `{"realm": {"roles": ["c", 1, null]}}`, ""},
		{"claim of another shape", "x", `{"realm": "a"}`, ""},
		{"no sub", "", `{"realm": {"roles": ["a"]}}`, ""},
		{"not an object", "x", `[]`, ""},
		{"nobody", "x", `{}`, ""},
		{"sub _default", "_default", `{}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := rules.Caller(test.sub, json.RawMessage(test.claims))
			if got := ""; test.want == "" && err == nil || test.want != "" && (err != nil || c.Role.Name != test.want) {
				t.Errorf("Caller(%q, %s) = %v %v %v, want role %q", test.sub, test.claims, c, err, got, test.want)
			}
		})
	}
	if _, err := (&guard.Rules{}).Caller("x", nil); err == nil {
		t.Error("zero Rules know a caller")
	}
}

func TestExample(t *testing.T) {
	data, err := os.ReadFile("../../permissions.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules := parse(t, string(data))
	c, err := rules.Caller("someone@company.com", nil)
	if err != nil || c.Role.Name != "restricted" {
		t.Errorf("the example gives a stranger %v, %v", c, err)
	}
}
