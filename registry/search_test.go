package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const searchFixture = `CREATE SCHEMA crm; CREATE SCHEMA hidden;
CREATE TABLE crm.customers (id int, email text, city text, secret text);
CREATE TABLE crm.order_items ("Odd Name" text, box int); CREATE TABLE crm.tags (id int); CREATE TABLE crm.people ("a_b+c" int, child_seat int); CREATE TABLE crm.boss (id int);
CREATE TABLE crm.guarded (town text); ALTER TABLE crm.guarded ENABLE ROW LEVEL SECURITY;
CREATE TABLE crm.parts (town text) PARTITION BY LIST (town); CREATE TABLE crm.part PARTITION OF crm.parts DEFAULT;
CREATE TABLE hidden.customas (id int); CREATE TYPE hidden.state AS ENUM ('P'); COMMENT ON TYPE hidden.state IS 'Escrow';
CREATE TYPE crm.state AS ENUM ('P', 'S'); COMMENT ON TYPE crm.state IS 'Paid or sent'; CREATE TABLE crm.jobs (done crm.state, kept hidden.state);
INSERT INTO crm.customers SELECT n, n || '@x', (ARRAY['Berlin', 'Bern', 'west Berlin'])[1 + n % 3], (ARRAY['Berlin wall', 'x'])[1 + n % 2] FROM generate_series(1, 100) AS n;
INSERT INTO crm.guarded SELECT 'Berlin' FROM generate_series(1, 100); INSERT INTO crm.parts SELECT 'Berlin' FROM generate_series(1, 100);
ANALYZE crm.customers; ANALYZE crm.guarded; ANALYZE crm.parts`

func TestSearch(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, searchFixture)
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Notes: loadNotes(t, "crm.state: A note")}, nil, "explore")
	for _, test := range []struct{ args, want, lacks string }{
		{`{"pattern": "items order"}`, `"name":"crm.order_items"`, ""},
		{`{"pattern": "Items, ORDER"}`, `"name":"crm.order_items"`, ""},
		{`{"pattern": "order item"}`, `"name":"crm.order_items"`, ""},
		{`{"pattern": "tag"}`, `"name":"crm.tags"`, ""},
		{`{"pattern": "boxes"}`, `"name":"crm.order_items.box"`, ""},
		{`{"pattern": "bosses"}`, `"name":"crm.boss"`, ""},
		{`{"pattern": "person"}`, `"name":"crm.people"`, ""},
		{`{"pattern": "Children"}`, `"name":"crm.people.child_seat"`, ""},
		{`{"pattern": "persons children"}`, "not_found", "child_seat"},
		{`{"pattern": "person children"}`, `"name":"crm.people.child_seat"`, ""},
		{`{"pattern": "a\\_b+"}`, `"name":"crm.people.\"a_b+c\""`, ""},
		{`{"pattern": "a%+c"}`, `"name":"crm.people.\"a_b+c\""`, ""},
		{`{"pattern": "a(b"}`, "not_found", ""},
		{`{"pattern": "odd name"}`, `"name":"crm.order_items.\"Odd Name\""`, ""},
		{`{"pattern": "crm.order_items.\"Odd Name\""}`, `"name":"crm.order_items.\"Odd Name\""`, ""},
		{`{"pattern": "sent"}`, `"name":"crm.jobs.done","type":"crm.state (P, S; Paid or sent | A note)"`, ""},
		{`{"pattern": "note paid"}`, `"name":"crm.jobs.done"`, "kept"},
		{`{"pattern": "escrow"}`, `"name":"crm.jobs.kept","type":"hidden.state (P; Escrow)"`, ""},
		{`{"pattern": "berlin"}`, "not_found", "city"},
		{`{"pattern": "berlin", "kinds": ["value"]}`, `"kind":"value","name":"crm.customers.city","type":"text (`, "Bern,"},
		{`{"pattern": "berlin", "kinds": ["value"]}`, `"name":"crm.customers.secret","type":"text (Berlin wall)"`, "crm.part."},
		{`{"pattern": "berlin", "kinds": ["value"]}`, `"name":"crm.parts.town","type":"text (Berlin)"`, ""},
		{`{"pattern": "wall berlin", "kinds": ["value", "table"]}`, `"name":"crm.customers.secret"`, "city"},
		{`{"pattern": "customers berlin", "kinds": ["value"], "schema": "crm"}`, `"name":"crm.customers.city"`, "parts"},
		{`{"pattern": "berlin", "kinds": ["value"], "schema": "hidden"}`, "not_found", ""},
		{`{"pattern": "custmers"}`, `"suggestion":"customers`, "emial"},
		{`{"pattern": "custmer emial"}`, `"suggestion":"customers, email"`, ""},
		{`{"pattern": "customers tags"}`, `"suggestion":"customers, tags"`, ""},
		{`{"pattern": "qqqqqq"}`, "not_found", "suggestion"},
	} {
		got, _ := call(t, r, "search_objects", test.args)
		if !strings.Contains(got, test.want) || test.lacks != "" && strings.Contains(got, test.lacks) {
			t.Errorf("search_objects %s = %s, want %s in it and %q not", test.args, got, test.want, test.lacks)
		}
	}
}

// TestSearchOfACaller: values and the names of suggestions are those that the caller may see.
func TestSearchOfACaller(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, searchFixture)
	rules := `
roles:
  crm: {schemas: [crm], tables: "*", operations: [select], tools: "*"}
  tags: {schemas: [crm], tables: [tags], operations: [select], tools: "*"}
users: {ann: crm, cem: tags}
`
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, test := range []struct{ sub, args, want, lacks string }{
		{"ann", `{"pattern": "custmers"}`, `"suggestion":"customers"`, "customas"},
		{"cem", `{"pattern": "custmers"}`, "not_found", "customers"},
		{"cem", `{"pattern": "emial tgas"}`, `"suggestion":"tags"`, "email"},
		{"eve", `{"pattern": "tgas"}`, "", `"tags"`},
		{"ann", `{"pattern": "sent"}`, `(P, S; Paid or sent)"`, "kept"},
		{"ann", `{"pattern": "escrow"}`, "not_found", "kept"},
		{"ann", `{"pattern": "berlin", "kinds": ["value"]}`, "not_found", "city"},
	} {
		got := answer(t, asBy(t, rules, test.sub), r, "search_objects", test.args)
		if !strings.Contains(got, test.want) || strings.Contains(got, test.lacks) {
			t.Errorf("%s: search_objects %s = %s, want %s in it and %s not", test.sub, test.args, got, test.want, test.lacks)
		}
	}

	role, own := pgtest.Role(t, url)
	r = build(t, registry.Config{DB: openDB(t, own)}, nil)
	const args = `{"pattern": "berlin", "kinds": ["value"]}`
	if got, _ := call(t, r, "search_objects", args); !strings.Contains(got, "not_found") {
		t.Errorf("a login without rights: search_objects %s = %s, want not_found", args, got)
	}
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA crm TO "+role+"; GRANT SELECT (city) ON crm.customers TO "+role+"; GRANT SELECT ON crm.guarded TO "+role)
	if got, _ := call(t, r, "search_objects", args); !strings.Contains(got, "crm.customers.city") || strings.Contains(got, "secret") || strings.Contains(got, "guarded") {
		t.Errorf("a login of one column: search_objects %s = %s, want the city, no secret and nothing under row security", args, got)
	}
}
