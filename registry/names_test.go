package registry_test

import (
	"context"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const named = `
CREATE SCHEMA shop;
CREATE SCHEMA "Odd Place";
CREATE TABLE customers (id int, "Größe" text);
CREATE TABLE "Order" (id int);
CREATE TABLE "dotted.name" (id int);
CREATE TABLE shop.orders (id int, total numeric);
CREATE TABLE shop."Order" (id int);
CREATE TABLE "Odd Place"."it's" (id int);
CREATE FUNCTION shop.tax(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION score(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`

// nameTools are an operator's. sized and kept look names up in their own way; known takes the fragment in.
var nameTools = map[string]string{
	"x/sized.sql": `/*---
description: Columns of a table.
params:
  - {name: place, type: string, names: schema}
  - {name: entity, type: string, names: table}
  - {name: field, type: string, names: column}
---*/
SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = @entity AND n.nspname = coalesce(@place, current_schema()) AND a.attnum > 0 AND (@field IS NULL OR a.attname = @field)
ORDER BY a.attnum`,
	"x/whole.sql": `/*---
description: Whether a table is there.
params: [{name: entity, type: string, names: table}]
result: value
not_found: {message: 'No "{entity}" at all.'}
---*/
SELECT to_regclass(@entity)::text WHERE to_regclass(@entity) IS NOT NULL`,
	"x/known.sql": `/*---
description: The table that a name means.
params:
  - {name: schema, type: string, names: schema}
  - {name: table_name, type: string, names: table, required: true}
use: [target]
result: object
---*/
SELECT schema, table_name FROM target`,
	"x/functions.sql": `/*---
description: Arguments of a function.
params:
  - {name: schema, type: string, names: schema}
  - {name: function, type: string, names: function, required: true}
---*/
SELECT pg_get_function_arguments(p.oid) AS arguments FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.proname = @function AND n.nspname = @schema`,
	"x/emptied.sql": `/*---
description: Writes, where the name is one.
access: write
params: [{name: entity, type: string, names: table, required: true}]
---*/
WITH done AS (INSERT INTO customers (id) VALUES (1)) UPDATE customers SET id = 2 WHERE @entity = 'nothing'`,
}

func TestNames(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, named)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nameTools)
	tests := []struct{ tool, args, want string }{
		{"sized", `{"entity": "orders", "place": "shop"}`, `{"items":[{"attname":"id"},{"attname":"total"}]}`},
		{"sized", `{"entity": "shop.orders"}`, `{"items":[{"attname":"id"},{"attname":"total"}]}`},
		{"sized", `{"entity": "shop.orders", "place": "shop"}`, `{"items":[{"attname":"id"},{"attname":"total"}]}`},
		{"sized", `{"entity": "\"shop\".\"orders\"", "field": "\"total\""}`, `{"items":[{"attname":"total"}]}`},
		{"sized", `{"entity": "\"Order\""}`, `{"items":[{"attname":"id"}]}`},
		{"sized", `{"entity": "shop.\"Order\""}`, `{"items":[{"attname":"id"}]}`},
		{"sized", `{"entity": "\"dotted.name\""}`, `{"items":[{"attname":"id"}]}`},
		{"sized", `{"entity": "\"Odd Place\".\"it's\""}`, `{"items":[{"attname":"id"}]}`},
		{"sized", `{"entity": "it's", "place": "\"Odd Place\""}`, `{"items":[{"attname":"id"}]}`},
		{"sized", `{"entity": "custmers"}`, `"code":"not_found","message":"There is no table or view \"custmers\" here.","suggestion":"customers"`},
		{"sized", `{"entity": "shop.custmers"}`, `"message":"There is no table or view \"shop.custmers\" here.","suggestion":"customers"`},
		{"sized", `{"entity": "shp.orders"}`, `"suggestion":"shop.orders`},
		{"sized", `{"entity": "order", "place": "shop"}`, `"suggestion":"\"Order\", public.\"Order\", orders"`},
		{"sized", `{"entity": "custmers", "place": "shop"}`, `"suggestion":"public.customers"`},
		{"sized", `{"entity": "shop.orders", "place": "public"}`, `no table or view \"shop.orders\" here`},
		{"sized", `{"entity": ["shop.orders"]}`, `{"items":[{"attname":"id"},{"attname":"total"}]}`},
		{"sized", `{"entity": "[\"orders\"]", "place": ["shop"]}`, `{"items":[{"attname":"id"},{"attname":"total"}]}`},
		{"sized", `{"entity": ["shop.orders", "customers"]}`, `entity: [\"shop.orders\",\"customers\"] holds 2 names: want one`},
		{"sized", `{"entity": "[]"}`, `entity: [] holds 0 names: want one`},
		{"sized", `{"entity": ["shop.orders"], "field": [["id"]]}`, `field: [\"id\"] is not a string`},
		{"sized", `{"entity": "[orders]"}`, `no table or view \"[orders]\" here`},
		{"sized", `{"entity": "customers", "field": "grösse"}`, `"message":"There is no column \"grösse\" here.","suggestion":"\"Größe\""`},
		{"sized", `{"entity": "shop.orders", "field": "totl"}`, `"suggestion":"total"`},
		{"sized", `{"place": "shp"}`, `"message":"There is no schema \"shp\" here.","suggestion":"shop"`},
		{"sized", `{"place": "shop"}`, `{"items":[]}`},
		{"sized", `{}`, `{"items":[]}`},
		{"whole", `{"entity": "shop.\"Order\""}`, `{"value":"shop.\"Order\""}`},
		{"whole", `{"entity": "shop.ordres"}`, `"message":"No \"shop.ordres\" at all.","suggestion":"shop.orders`},
		{"known", `{"table_name": "customers"}`, `{"schema":"public","table_name":"customers"}`},
		{"known", `{"table_name": "shop.\"Order\""}`, `{"schema":"shop","table_name":"Order"}`},
		{"known", `{"table_name": "dotted.name"}`, `{"schema":"public","table_name":"dotted.name"}`},
		{"known", `{"table_name": "Odd Place.it's"}`, `{"schema":"Odd Place","table_name":"it's"}`},
		{"known", `{"table_name": "\"Customers\""}`, `"message":"There is no table or view \"\"Customers\"\" here.","suggestion":"customers"`},
		{"functions", `{"function": "shop.tax"}`, `{"items":[{"arguments":"numeric"}]}`},
		{"functions", `{"function": "shop.tx"}`, `"message":"There is no function \"shop.tx\" here.","suggestion":"shop.tax"`},
		{"functions", `{"function": "score"}`, `{"items":[]}`},
		{"emptied", `{"entity": "custmers"}`, `"code":"not_found"`},
		{"known", `{"table_name": ["customers"], "schema": "[\"public\"]"}`, `{"schema":"public","table_name":"customers"}`},
		{"known", `{"table_name": []}`, `table_name: [] holds 0 names: want one`},
		{"list_tables", `{"schema": ["shop"]}`, `"table_name":"orders"`},
		{"list_tables", `{"schema": ["shop", "public"]}`, `holds 2 names: want one`},
		{"describe_table", `{"table_name": ["orders", "shop.Order"], "schema": ["shop"]}`, `"table_name":"Order"`},
		{"describe_table", `{"table_name": "\"Order\"", "schema": "shop"}`, `"schema":"shop","table_name":"Order"`},
		{"table_stats", `{"table_name": "shop.orders"}`, `"schema":"shop","table_name":"orders"`},
		{"list_indexes", `{"table_name": "shop.\"Order\""}`, `{"items":[]}`},
	}
	for _, test := range tests {
		if got, _ := call(t, r, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s %s = %s, want %s", test.tool, test.args, got, test.want)
		}
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM customers"); got != "0" {
		t.Errorf("rows after a write with a wrong name = %s, want 0", got)
	}
	if got, _ := call(t, r, "emptied", `{"entity": "customers"}`); !strings.Contains(got, `{"affected":0`) {
		t.Errorf("emptied of a name that is there = %s, want affected 0", got)
	}
}

// TestNamesOfCaller: neither errors nor completion name what the caller's role does not see.
func TestNamesOfCaller(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, permissionFixture+"; CREATE TABLE secret.items (hidden_total int); CREATE FUNCTION secret.taxes() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	prompts := loadPrompts(t, map[string]string{"ask": "---\ndescription: x\narguments:\n  - {name: place, names: schema}\n  - {name: of, names: table}\n" +
		"  - {name: field, names: column}\n  - {name: does, names: function}\n---\n{{place}} {{of}} {{field}} {{does}}"})
	tools := map[string]string{"x/sized.sql": strings.Replace(nameTools["x/sized.sql"], "---*/", "trust: owner\n---*/", 1)}
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Prompts: prompts}, tools, "explore")
	everyone := t.Context()
	for _, test := range []struct{ args, all, one string }{
		{`{"entity": "itms", "place": "secret"}`, `"suggestion":"items"`, `There is no table or view \"itms\" here.","retryable"`},
		{`{"entity": "plan", "place": "secret", "field": "zzz"}`, `There is no column \"zzz\" here.`, `There is no table or view \"plan\" here.`},
		{`{"place": "secrt"}`, `"suggestion":"secret"`, `There is no schema \"secrt\" here.","hint":"the schemas there are: shop","retryable"`},
		{`{"entity": "items", "place": "secret", "field": "hidden_totl"}`, "hidden_total", `There is no table or view \"items\" here.`},
	} {
		if got := answer(t, everyone, r, "sized", test.args); !strings.Contains(got, test.all) {
			t.Errorf("sized %s without roles = %s, want %s in it", test.args, got, test.all)
		}
		if got := answer(t, as(t, "ann"), r, "sized", test.args); !strings.Contains(got, test.one) || strings.Contains(got, "hidden_total") || strings.Contains(got, "secret.items") {
			t.Errorf("sized %s as ann = %s, want %s in it and nothing of schema secret", test.args, got, test.one)
		}
	}
	const byPrompt, byTool = `{"type": "ref/prompt", "name": "ask"}`, `{"type": "ref/resource", "uri": "tool://sized"}`
	for _, test := range []struct{ ref, argument, value, given, all, one string }{
		{byPrompt, "place", "s", `{}`, `["secret","shop"]`, `["shop"]`},
		{byPrompt, "of", "", `{"place": "secret"}`, `["items","plan"]`, `[]`},
		{byPrompt, "field", "", `{"place": "secret", "of": "items"}`, `["hidden_total"]`, `[]`},
		{byPrompt, "field", "o", `{"place": "shop", "of": "item"}`, `["owner"]`, `["owner"]`},
		{byPrompt, "does", "t", `{"place": "secret"}`, `["taxes"]`, `[]`},
		{byTool, "entity", "I", `{"place": "shop"}`, `["item"]`, `["item"]`},
		{byTool, "entity", "", `{"place": "secret"}`, `["items","plan"]`, `[]`},
		{byTool, "nosuch", "", `{}`, `[]`, `[]`},
	} {
		params := `{"ref": ` + test.ref + `, "argument": {"name": "` + test.argument + `", "value": "` + test.value + `"}, "context": {"arguments": ` + test.given + `}}`
		for want, ctx := range map[string]context.Context{"all " + test.all: everyone, "ann " + test.one: as(t, "ann")} {
			if got := askAs(t, ctx, r, "completion/complete", params); !strings.Contains(got, `"values":`+want[4:]) {
				t.Errorf("completion of %s = %s, want %s", params, got, want)
			}
		}
	}
}
