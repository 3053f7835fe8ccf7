package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const misnamed = `
CREATE SCHEMA shop;
CREATE TABLE customers (id int, name text, "Größe" text, email text);
CREATE TABLE "Order Items" (id int, "unitPrice" numeric);
CREATE TABLE shop.invoices (id int, total numeric, due_date date);
CREATE VIEW paid AS SELECT id, 1 AS amount FROM customers;
CREATE MATERIALIZED VIEW monthly AS SELECT 1 AS month;
CREATE TABLE parted (k int) PARTITION BY LIST (k);
CREATE FUNCTION score(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION score(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.tax(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM custmers); END';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE shop.level AS ENUM ('low', 'high')`

func TestSuggestions(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, misnamed)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	tests := []struct{ name, sql, code, want string }{
		{"table", "SELECT * FROM custmers", "42P01", "customers"},
		{"table in another letter case", "SELECT * FROM CUSTMERS", "42P01", "customers"},
		{"quoted table", `SELECT * FROM "Customers"`, "42P01", "customers"},
		{"table to be quoted", `SELECT * FROM "order items"`, "42P01", `"Order Items"`},
		{"view", "SELECT * FROM payd", "42P01", "paid"},
		{"materialized view", "SELECT * FROM monthl", "42P01", "monthly"},
		{"partitioned table", "SELECT * FROM partd", "42P01", "parted"},
		{"table of another schema", "SELECT * FROM invoices", "42P01", "shop.invoices"},
		{"table misspelt of another schema", "SELECT * FROM invoces", "42P01", "shop.invoices"},
		{"schema-qualified table", "SELECT * FROM shop.invoces", "42P01", "shop.invoices"},
		{"schema of a table", "SELECT * FROM shp.invoices", "42P01", "shop.invoices"},
		{"wrong schema", "SELECT * FROM public.invoices", "42P01", "shop.invoices"},
		{"needless schema", "SELECT * FROM shop.customers", "42P01", "customers"},
		{"system view", "SELECT * FROM pg_stat_activty", "42P01", "pg_stat_activity"},
		{"table of a join", "SELECT 1 FROM customers c JOIN invoces i ON true", "42P01", "shop.invoices"},
		{"table of an insert", "INSERT INTO custmers VALUES (1)", "42P01", "customers"},
		{"table without a position", "DROP TABLE custmers", "42P01", "customers"},
		{"table of a schema without a position", "DROP TABLE shop.invoces", "42P01", "shop.invoices"},
		{"table in a string", "SELECT 'custmers'::regclass", "42P01", "customers"},
		{"alias", "SELECT cst.id FROM customers cust", "42P01", "cust"},
		{"table as qualifier", "SELECT custmers.id FROM customers", "42P01", "customers"},
		{"column", "SELECT nmae FROM customers", "42703", "name"},
		{"column of an alias", "SELECT c.nmae FROM customers c", "42703", "c.name"},
		{"column of an alias with AS", `SELECT "C".nmae FROM public.customers AS "C"`, "42703", `"C".name`},
		{"column of the right alias", "SELECT i.emai FROM customers c, shop.invoices i", "42703", ""},
		{"column of a table", "SELECT customers.emial FROM customers", "42703", "customers.email"},
		{"column of a qualified table", "SELECT public.customers.emial FROM public.customers", "42703", "public.customers.email"},
		{"column behind characters", "SELECT 'äöü', 'größe' /* é */, größe FROM customers", "42703", `"Größe"`},
		{"column to be quoted", `SELECT unitprice FROM "Order Items"`, "42703", `"unitPrice"`},
		{"column of a schema's table", "SELECT i.duedate FROM shop.invoices i", "42703", "i.due_date"},
		{"column of a view", "SELECT amont FROM paid", "42703", "amount"},
		{"column to insert", "INSERT INTO customers (id, emial) SELECT id, total FROM shop.invoices", "42703", "email"},
		{"column to set", "UPDATE customers SET nam = 'x'", "42703", "name"},
		{"column without a position", "ALTER TABLE customers DROP COLUMN emial", "42703", "email"},
		{"column of no table", "SELECT nope", "42703", ""},
		{"function", "SELECT date_trnc('day', now())", "42883", "date_trunc"},
		{"own function", "SELECT scor(1)", "42883", "score"},
		{"function of another schema", "SELECT tax(1)", "42883", "shop.tax"},
		{"function of a schema", "SELECT shop.taxx(1)", "42883", "shop.tax"},
		{"arguments", "SELECT round(1.5::float8, 1)", "42883", "round(numeric, integer), round(double precision), round(numeric)"},
		{"own arguments", "SELECT score('a'::text, 'b'::text)", "42883", "score(integer, text), score(integer)"},
		{"arguments in a schema", "SELECT shop.tax('x'::text)", "42883", "shop.tax(numeric)"},
		{"operator", "SELECT 1 = 'a'::text", "42883", ""},
		{"operator IN", "SELECT 1 IN (true)", "42883", ""},
		{"schema", "CREATE TABLE shp.t (a int)", "3F000", "shop"},
		{"schema of a function", "SELECT shp.tax(1)", "3F000", "shop"},
		{"type", "SELECT 1::integr", "42704", "integer"},
		{"own type", "SELECT 'ok'::moood", "42704", "mood"},
		{"type of another schema", "SELECT 'low'::level", "42704", "shop.level"},
		{"type in CAST", "SELECT CAST('a' AS varchr)", "42704", "varchar"},
		{"type without a position", "DROP TYPE moood", "42704", "mood"},
		{"role", "GRANT SELECT ON customers TO custmers", "42704", ""},
		{"setting", "SHOW tex", "42704", ""},
		{"name in a function", "SELECT broken()", "42P01", ""},
		{"nothing like it", "SELECT * FROM qqqqqqqqqqqq", "42P01", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := queryError(t, r, test.sql)
			if e.Code != test.code || !has(e.Suggestion, test.want) {
				t.Errorf("query(%s) = %s (%s), suggestion %q, want %s, %q", test.sql, e.Message, e.Code, e.Suggestion, test.code, test.want)
			}
		})
	}
}

// has reports a suggestion that starts with want; an empty one must be empty.
func has(suggestion, want string) bool {
	if want == "" {
		return suggestion == ""
	}
	return suggestion == want || strings.HasPrefix(suggestion, want+", ")
}

type failure struct {
	Code, Message, Hint, Suggestion string
	Line, Column                    int
}

func queryError(t *testing.T, r *registry.Registry, sql string) failure {
	t.Helper()
	got, isError := call(t, r, "query", queryArgs(t, sql))
	var body struct{ Error failure }
	if err := json.Unmarshal([]byte(got), &body); err != nil || !isError {
		t.Fatalf("query(%s) = %s, want an error", sql, got)
	}
	return body.Error
}

func TestSuggestionPlace(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, misnamed)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	e := queryError(t, r, "SELECT 'äöü€😀' -- größe\r\n  , 'é' || c.nmae\nFROM customers c")
	if e.Line != 2 || e.Column != 12 || e.Suggestion != "c.name" || !strings.Contains(e.Hint, "c.name") {
		t.Errorf("error is at %d:%d with suggestion %q and hint %q, want 2:12, c.name and PostgreSQL's hint", e.Line, e.Column, e.Suggestion, e.Hint)
	}
}

// TestSuggestionFailing loses the lookup: the error of the statement stays.
func TestSuggestionFailing(t *testing.T) {
	url := pgtest.URL(t)
	r := build(t, registry.Config{DB: onlyOnce{openDB(t, url), new(int)}}, nil)
	e := queryError(t, r, "SELECT * FROM pg_clas")
	if e.Code != "42P01" || e.Line != 1 || e.Column != 15 || e.Suggestion != "" {
		t.Errorf("error without a lookup = %+v, want 42P01 at 1:15", e)
	}
}

// onlyOnce is a database that fails after the first call.
type onlyOnce struct {
	registry.Database
	calls *int
}

func (o onlyOnce) Run(ctx context.Context, c postgres.Call, s postgres.Sink) (postgres.Outcome, error) {
	if *o.calls++; *o.calls > 1 {
		return postgres.Outcome{}, errors.New("gone")
	}
	return o.Database.Run(ctx, c, s)
}

// TestSuggestionToolFile has a tool whose SQL is wrong: the model, which did not write it, is told no names.
func TestSuggestionToolFile(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, misnamed)
	files := map[string]string{"x/wrong.sql": "/*---\ndescription: Wrong.\n---*/\nSELECT * FROM custmers"}
	r := build(t, registry.Config{DB: openDB(t, url)}, files)
	if got, isError := call(t, r, "wrong", "{}"); !isError || strings.Contains(got, "suggestion") {
		t.Errorf("wrong = %s, want an error without a suggestion", got)
	}
}

func TestSuggestionManyTables(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 2,000 tables")
	}
	url := pgtest.URL(t)
	for range 2 {
		pgtest.Exec(t, url, `DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE %I (id int)', 't_' || gen_random_uuid()); END LOOP; END $$`)
	}
	pgtest.Exec(t, url, "CREATE TABLE customers (id int)")
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	start := time.Now()
	if e := queryError(t, r, "SELECT * FROM custmers"); e.Suggestion != "customers" {
		t.Errorf("suggestion among many tables = %q, want customers", e.Suggestion)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("a suggestion among 2,000 tables took %v, want less than 1s", took)
	}
}
