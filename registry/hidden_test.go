package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// hiddenFixture has names that hold "hid" beside what a role may see, in its schema and in another, tied to it by keys, views,
// triggers, partitions and functions.
const hiddenFixture = `CREATE SCHEMA shop; CREATE SCHEMA hid_schema;
CREATE TABLE shop.hid_owners (hid_id int PRIMARY KEY, hid_mail text); COMMENT ON TABLE shop.hid_owners IS 'hid comment of orders';
CREATE TABLE hid_schema.hid_rates (hid_rate int PRIMARY KEY, orders int);
CREATE TABLE shop.orders (id int PRIMARY KEY, owner int REFERENCES shop.hid_owners, rate int REFERENCES hid_schema.hid_rates, note text DEFAULT 'x');
COMMENT ON TABLE shop.orders IS 'Orders of customers'; COMMENT ON COLUMN shop.orders.note IS 'What the customer wrote';
CREATE TABLE shop.hid_lines (hid_line int PRIMARY KEY, order_id int REFERENCES shop.orders); CREATE INDEX hid_index ON shop.hid_lines (order_id);
CREATE TABLE hid_schema.hid_bills (order_id int REFERENCES shop.orders);
CREATE TABLE shop.items (id int PRIMARY KEY, order_id int REFERENCES shop.orders);
CREATE VIEW shop.big_orders AS SELECT o.id, w.hid_mail AS mail FROM shop.orders o JOIN shop.hid_owners w ON w.hid_id = o.owner;
CREATE VIEW hid_schema.hid_view AS SELECT * FROM shop.orders;
CREATE MATERIALIZED VIEW shop.hid_mat AS SELECT count(*) AS orders FROM shop.orders;
CREATE TYPE shop.hid_mood AS ENUM ('hid_sad'); CREATE TYPE hid_schema.hid_kind AS ENUM ('hid_one');
CREATE FUNCTION shop.hid_tax(hid_arg int) RETURNS int LANGUAGE sql AS 'SELECT 1 + $1 /* hid body of orders */';
CREATE FUNCTION hid_schema.hid_fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE SEQUENCE shop.hid_numbers; CREATE TABLE hid_schema.orders (hid_column int);
INSERT INTO shop.hid_owners VALUES (1, 'a@example.com'); INSERT INTO hid_schema.hid_rates VALUES (7); INSERT INTO shop.orders VALUES (1, 1, 7);
ANALYZE`

// TestRoleSeesNothingElse tries each way by which names, comments and definitions come to a caller.
func TestRoleSeesNothingElse(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, hiddenFixture)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	role := &guard.Role{Name: "clerk", Schemas: []string{"shop"}, AllTools: true, Operations: 1,
		Tables: []guard.Table{{Name: "orders"}, {Name: "items"}, {Schema: "shop", Name: "big_orders"}}}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Claims: json.RawMessage(`{"sub": "a"}`), Role: role})
	tried, answered := 0, 0
	show := func(what, answer string, wanted ...string) {
		t.Helper()
		if tried++; !strings.Contains(answer, `"error"`) {
			answered++
		}
		for _, said := range wanted { // what the caller has written comes back
			answer = strings.ReplaceAll(answer, said, "")
		}
		if at := strings.Index(answer, "hid"); at >= 0 {
			t.Errorf("%s shows ...%s", what, answer[max(0, at-300):min(len(answer), at+80)])
		}
	}
	names := []string{"orders", "shop.orders", "hid_owners", "shop.hid_owners", "hid_schema.hid_rates", "hid_schema.orders", "big_orders", "hid_owner", "order", "hid_schema", "shop"}
	for _, tool := range embeddedTools(t) {
		for _, p := range tool.Params {
			for _, value := range append(names, "%", "hid%", "mail", "%id%") {
				if p.Type.Scalar != "string" || len(p.Enum) > 0 {
					continue
				}
				given := map[string]any{}
				for _, other := range tool.Params {
					if other.Required {
						given[other.Name] = "orders"
					}
				}
				given[p.Name] = value
				if p.Type.Array {
					given[p.Name] = []string{value}
				}
				args, _ := json.Marshal(given)
				answer := answer(t, as, r, tool.Name, string(args))
				show(fmt.Sprintf("%s(%s)", tool.Name, args), answer, value)
			}
		}
		answer := answer(t, as, r, tool.Name, "{}")
		show(tool.Name, answer)
	}
	if answered < 100 || tried < 2*answered/3 {
		t.Errorf("%d of %d calls of tools were answered: want more", answered, tried)
	}
	for _, sql := range []string{
		"SELECT * FROM orders", "SELECT * FROM big_orders LIMIT 0", "SELECT * FROM order", "SELECT nope FROM orders", "SELECT nope(1)", "SELECT 1::nope", "SELECT o.nope FROM big_orders o",
		"SELECT * FROM owners", "SELECT tax(1)", "SELECT 'x'::mood", "SELECT * FROM shop.lines", "SELECT * FROM schema.orders", "EXPLAIN SELECT * FROM orders o JOIN items i ON i.order_id = o.id",
		"EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM orders", "SELECT owner / 0 FROM orders", "SELECT note::int FROM orders", "SELECT rate::text::date FROM orders",
	} {
		answer, _ := callAs(as, t, r, sql)
		show(sql, answer)
	}
	for _, sql := range []string{"EXPLAIN SELECT * FROM big_orders", "SELECT * FROM shop.hid_owners", "SELECT hid_tax(1)", "SELECT 'x'::hid_mood", "SELECT NULL::hid_owners", "SELECT * FROM hid_schema.orders",
		"SELECT nextval('hid_numbers')", "INSERT INTO items VALUES (1, 99)"} {
		if answer, isError := callAs(as, t, r, sql); !isError {
			t.Errorf("%s as a role = %s, want it refused", sql, answer)
		}
	}
	for hidden, absent := range map[string]string{
		"SELECT * FROM shop.hid_owners": "SELECT * FROM shop.no_such_x", "SELECT hid_tax(1)": "SELECT no_such(1)", "SELECT 'x'::shop.hid_mood": "", "SELECT NULL::hid_owners": "SELECT NULL::no_such_xx",
		"SELECT NULL::shop.hid_owners": "SELECT NULL::shop.no_such_xx",
	} {
		if absent == "" {
			continue
		}
		same := strings.NewReplacer("hid_owners", "X", "no_such_xx", "X", "no_such_x", "X", "hid_tax", "X", "no_such", "X")
		one, _ := callAs(as, t, r, hidden)
		other, _ := callAs(as, t, r, absent)
		if same.Replace(one) != same.Replace(other) {
			t.Errorf("%s = %s\n%s = %s\nwant the same answer", hidden, one, absent, other)
		}
	}
	s := r.Server("test")
	for _, request := range [][2]string{
		{"resources/list", `{}`}, {"resources/templates/list", `{}`}, {"resources/read", `{"uri": "schema://shop"}`}, {"resources/read", `{"uri": "schema://hid_schema"}`},
		{"resources/read", `{"uri": "table://shop/orders"}`}, {"resources/read", `{"uri": "table://shop/hid_owners"}`}, {"resources/read", `{"uri": "table://hid_schema/orders"}`},
		{"resources/read", `{"uri": "table://shop/big_orders"}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": ""}}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "table://{schema}/{table}"}, "argument": {"name": "table", "value": ""}, "context": {"arguments": {"schema": "shop"}}}`},
		{"completion/complete", `{"ref": {"type": "ref/resource", "uri": "table://{schema}/{table}"}, "argument": {"name": "table", "value": "hid"}, "context": {"arguments": {"schema": "hid_schema"}}}`},
	} {
		body, err := json.Marshal(s.HandleMessage(as, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+request[0]+`","params":`+request[1]+`}`)))
		if err != nil {
			t.Fatal(err)
		}
		show(request[0]+" "+request[1], string(body), "hid_schema/orders", "schema://hid_schema", "hid_schema", "shop/hid_owners", "shop.hid_owners")
	}
}
