package guard_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// counted counts the questions to a database.
type counted struct {
	*postgres.DB
	asked atomic.Int32
}

func (c *counted) Run(ctx context.Context, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	c.asked.Add(1)
	return c.DB.Run(ctx, call, sink)
}

func openCounted(t *testing.T, url string) *counted {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return &counted{DB: db}
}

// TestQuestions: what is recorded takes one question to the database, texts take another one, whatever uses whatever.
func TestQuestions(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE orders (id int, total numeric);
		CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
		CREATE DOMAIN few AS int CHECK (abs(VALUE) < 9);
		CREATE FUNCTION tax(v numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1 * 0.19';
		CREATE FUNCTION tax(v text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
		CREATE FUNCTION tax_of(n int) RETURNS numeric LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT tax(total) FROM orders WHERE id = n); END';
		CREATE FUNCTION deep(n int) RETURNS numeric LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT "tax_of"(id) FROM outer_orders LIMIT 1); END';
		CREATE FUNCTION atomic(n int) RETURNS numeric BEGIN ATOMIC SELECT tax_of(n); END;
		CREATE FUNCTION pathed(n int) RETURNS numeric LANGUAGE sql SET search_path = public AS 'SELECT tax_of(n)';
		CREATE FUNCTION "TaxOf"(n int) RETURNS numeric LANGUAGE sql AS 'SELECT tax_of(n)'; CREATE VIEW "Big" AS SELECT tax(1) AS tax;
		CREATE FUNCTION quoted(n int) RETURNS numeric LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT "TaxOf"(n) FROM "Big"); END';
		CREATE VIEW big AS SELECT id, tax(total) AS tax FROM orders WHERE total > 10;
		CREATE VIEW outer_orders AS SELECT b.id, tax_of(b.id) FROM big b JOIN orders USING (id);
		CREATE TABLE notes (owner text); ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON notes USING (owner = lower('X') AND deep(1) > 0);
		CREATE FUNCTION reads_file() RETURNS text LANGUAGE sql AS $$ SELECT pg_read_file('PG_VERSION') $$;
		CREATE VIEW bad AS SELECT reads_file()`)
	db := openCounted(t, url)
	for _, test := range []struct {
		sql   string
		most  int32
		allow bool
	}{
		{"SELECT 1", 1, true},
		{"SELECT o.id, sum(o.total) FROM orders o GROUP BY 1", 1, true},
		{"SELECT * FROM parts WHERE id = 1", 1, true},
		{"SELECT name, setting FROM pg_settings", 1, true},
		{"SELECT current_setting('work_mem')", 1, true},
		{"SELECT * FROM big", 2, true},
		{"SELECT * FROM outer_orders", 2, true},
		{"SELECT '1'::few", 2, true},
		{"SELECT tax(total) FROM orders", 2, true},
		{"SELECT tax_of(1)", 2, true},
		{"SELECT deep(1)", 2, true},
		{"SELECT quoted(1)", 2, true},
		{"SELECT atomic(1)", 2, true},
		{"SELECT pathed(1)", 2, true},
		{"SELECT * FROM notes", 2, true},
		{"SELECT * FROM bad", 2, false},
		{"SELECT pg_read_file('PG_VERSION')", 1, false},
		{"DELETE FROM orders", 0, false},
	} {
		g := guard.New(guard.Config{DB: db, ReadOnly: true})
		db.asked.Store(0)
		_, err := g.Authorize(t.Context(), test.sql)
		if got := db.asked.Load(); got > test.most || (err == nil) != test.allow {
			t.Errorf("Authorize(%s) = %v after %d questions, want at most %d and allowed: %v", test.sql, err, got, test.most, test.allow)
		}
		db.asked.Store(0)
		if _, again := g.Authorize(t.Context(), test.sql); db.asked.Load() > 0 && test.most > 0 && test.sql != "SELECT name, setting FROM pg_settings" && test.sql != "SELECT current_setting('work_mem')" {
			t.Errorf("Authorize(%s) again = %v after %d questions, want it remembered", test.sql, again, db.asked.Load())
		}
	}
}

// TestTextsAreNoStatements: what is remembered of the text of a function says nothing of a statement with the same text.
func TestTextsAreNoStatements(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE orders (id int); CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM orders'`)
	g := guard.New(guard.Config{DB: openCounted(t, url), ReadOnly: true})
	for _, test := range []struct {
		sql   string
		allow bool
	}{
		{"SELECT f()", true}, {"SELECT id FROM orders", true}, {"sql[]SELECT id FROM orders", false}, {"sql[] SELECT id FROM orders", false}, {"SELECT f()", true},
	} {
		p, err := g.Authorize(t.Context(), test.sql)
		if (err == nil) != test.allow || err == nil && p.Statement == nil {
			t.Errorf("Authorize(%s) = %+v, %v, want it allowed: %v", test.sql, p, err, test.allow)
		}
	}
}

// TestOffered: a list of tools takes the questions of one statement, and none where all is remembered.
func TestOffered(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int); CREATE TABLE public.hidden (id int);
		CREATE FUNCTION public.reads_file() RETURNS text LANGUAGE sql AS $$ SELECT pg_read_file('PG_VERSION') $$;
		CREATE VIEW shop.bad AS SELECT public.reads_file(); CREATE VIEW shop.good AS SELECT id FROM shop.orders`)
	var tools []*catalog.Tool
	for i := range 30 {
		for name, sql := range map[string]string{"good": "SELECT id FROM shop.good WHERE id = ", "bad": "SELECT * FROM shop.bad WHERE 1 = ", "hidden": "SELECT id FROM public.hidden WHERE id = ",
			"owner": "SELECT public.reads_file(), "} {
			tool := &catalog.Tool{Name: fmt.Sprintf("%s_%d", name, i), Source: "shop", Trust: catalog.TrustCaller}
			if tool.Statement.SQL = fmt.Sprint(sql, i); name == "owner" {
				tool.Trust = catalog.TrustOwner
			}
			tools = append(tools, tool)
		}
	}
	role := &guard.Role{Name: "reader", Schemas: []string{"shop"}, AllTables: true, AllTools: true, Operations: 1}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	db := openCounted(t, url)
	for _, test := range []struct {
		readOnly bool
		want     string
		most     int32
	}{{false, "bad good owner", 1}, {true, "good", 4}} {
		g := guard.New(guard.Config{DB: db, ReadOnly: test.readOnly})
		for _, most := range []int32{test.most, 0} {
			db.asked.Store(0)
			kinds := map[string]int{}
			for _, tool := range g.Offered(as, tools) {
				kind, _, _ := strings.Cut(tool.Name, "_")
				kinds[kind]++
			}
			got := strings.Join(slices.Sorted(maps.Keys(kinds)), " ")
			if got != test.want || kinds["good"] != 30 || db.asked.Load() > most {
				t.Errorf("read-only %v: offered are %v after %d questions, want 30 of each of %s after %d", test.readOnly, kinds, db.asked.Load(), test.want, most)
			}
		}
	}
}
