package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// explained is a database that also asks PostgreSQL how much work each statement of the server's own files is.
type explained struct {
	registry.Database
	conn *pgx.Conn
	most float64 // rows, of the statements since it was set
}

// Run implements registry.Database.
func (e *explained) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if c.GenericPlan {
		work, err := e.work(ctx, c)
		if err != nil {
			return postgres.Outcome{}, fmt.Errorf("explaining: %w", err)
		}
		e.most = max(e.most, work)
	}
	return e.Database.Run(ctx, c, sink)
}

// work runs a call as the server does, with a generic plan, and counts the rows that its plan handles.
func (e *explained) work(ctx context.Context, c postgres.Call) (float64, error) {
	if _, err := e.conn.Prepare(ctx, "explained", c.SQL); err != nil {
		return 0, err
	}
	defer e.conn.Deallocate(ctx, "explained")
	var values []string
	for _, v := range c.Args {
		value := "NULL"
		if v != nil {
			value = "'" + strings.ReplaceAll(string(v), "'", "''") + "'"
		}
		values = append(values, value)
	}
	sql := "EXPLAIN (ANALYZE, TIMING off, FORMAT json) EXECUTE explained"
	if values != nil {
		sql += "(" + strings.Join(values, ", ") + ")"
	}
	var plans []struct{ Plan planNode }
	var text []byte
	if err := e.conn.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		return 0, err
	}
	if err := json.Unmarshal(text, &plans); err != nil {
		return 0, err
	}
	return plans[0].Plan.work(), nil
}

// planNode is a node of EXPLAIN ANALYZE.
type planNode struct {
	Rows          float64 `json:"Actual Rows"`
	Loops         float64 `json:"Actual Loops"`
	Filtered      float64 `json:"Rows Removed by Filter"`
	NotJoined     float64 `json:"Rows Removed by Join Filter"`
	NotConflicted float64 `json:"Rows Removed by Index Recheck"`
	Plans         []planNode
}

// work is the number of rows that the node and those below it gave or dropped, and how often they were begun.
func (n planNode) work() float64 {
	sum := n.Loops * (1 + n.Rows + n.Filtered + n.NotJoined + n.NotConflicted)
	for _, p := range n.Plans {
		sum += p.work()
	}
	return sum
}

// rowsPerObject bounds the work of a tool: so many rows for each row of the catalogs that hold the tables, columns and keys.
const rowsPerObject = 15

// TestWork: no tool does more work than the number of tables, columns and keys explains, whatever the planner knows of the
// catalogs: nothing, what was true before the tables came, or all. The clock is not looked at: a plan that is quadratic is
// quick on few tables.
func TestWork(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"autovacuum": "off", "max_locks_per_transaction": "512"}})
	for _, d := range []struct {
		name, script string
		tables       []string
	}{
		{"few", readFile(t, "testdata/packs/fixture.sql"), []string{"app.orders"}},
		{"billing", readFile(t, "../internal/test/bench/billing.sql"), []string{"billing.tenants", "billing.invoice_items"}},
		{"wide", wideScript(t, 2), []string{"area_1.item_0102"}},
	} {
		for _, state := range []struct{ name, before, after string }{
			{"new", "SELECT 1", "SELECT 1"}, {"stale", "VACUUM ANALYZE", "SELECT 1"}, {"analysed", "SELECT 1", "VACUUM ANALYZE"},
		} {
			t.Run(d.name+" "+state.name, func(t *testing.T) {
				url := newDatabase(t, c, d.name+"_"+state.name)
				pgtest.Exec(t, url, state.before)
				pgtest.Exec(t, url, d.script)
				pgtest.Exec(t, url, state.after)
				for _, table := range d.tables {
					work(t, url, table)
				}
			})
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wideScript makes schemas with 400 tables each.
func wideScript(t *testing.T, schemas int) string {
	var script strings.Builder
	for n := range schemas {
		fmt.Fprintf(&script, "SET wide.tables = 400; SET wide.schema = 'area_%d';\n%s;\n", n+1, readFile(t, "../internal/test/bench/wide.sql"))
	}
	return script.String()
}

func newDatabase(t *testing.T, c *demo.Cluster, name string) string {
	t.Helper()
	pgtest.Exec(t, c.AdminURL(), "CREATE DATABASE "+name)
	conf, err := pgx.ParseConfig(c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(c.AdminURL(), "/"+conf.Database, "/"+name, 1)
}

// work calls every embedded tool in the ways that lead to different plans: for a table, a schema, the whole database, a name
// that is not there, and a caller of few tables.
func work(t *testing.T, url, table string) {
	db, plans := openExplained(t, url)
	r := buildSet(t, registry.Config{DB: db}, registry.Set{Notes: loadNotes(t, table+": A note\nno.table.like_it: Another\n")}, nil, allSets...)
	objects, err := strconv.ParseFloat(pgtest.Value(t, url, `SELECT sum(n) FROM (SELECT count(*) FROM pg_attribute UNION ALL SELECT count(*) FROM pg_depend
		UNION ALL SELECT count(*) FROM pg_class UNION ALL SELECT count(*) FROM pg_constraint UNION ALL SELECT count(*) FROM pg_proc) AS c (n)`), 64)
	if err != nil {
		t.Fatal(err)
	}
	bounded := func(what, args string, answer func() string) {
		plans.most = 0
		if got := answer(); plans.most > rowsPerObject*objects || plans.most == 0 {
			t.Errorf("%s %s handles %.0f rows, want at most %d for each of %.0f objects: %.200s", what, args, plans.most, rowsPerObject, objects, got)
		}
	}
	schema, _, _ := strings.Cut(table, ".")
	for _, uri := range []string{"schema://" + schema, "schema://" + schema + "x"} {
		bounded("resources/read", uri, func() string { return ask(t, r, "resources/read", `{"uri": "`+uri+`"}`) })
	}
	for _, caller := range []exploreCase{{}, {Caller: &exploreCaller{Role: "clerk", Schemas: []string{schema}, Tables: []string{table}}}} {
		db.as(caller)
		for _, tool := range embeddedTools(t) {
			if len(tool.Requires.Extensions) > 0 {
				continue
			}
			calls := append(argsOf(table)[tool.Name], argsOf(table + "x")[tool.Name]...)
			if slices.Sort(calls); calls == nil {
				calls = []string{"{}"}
			}
			for _, args := range slices.Compact(calls) {
				bounded(tool.Name, args, func() string { answer, _ := call(t, r, tool.Name, args); return answer })
			}
		}
	}
}

// openExplained opens a database whose statements are explained on a connection of their own.
func openExplained(t *testing.T, url string) (*callerDB, *explained) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan; SET jit = off"); err != nil {
		t.Fatal(err)
	}
	db := bindCallers(t, openDB(t, url))
	plans := &explained{Database: db.Database, conn: conn}
	db.Database = plans
	return db, plans
}

// argsOf are calls of the tools about one table, and about its schema.
func argsOf(table string) map[string][]string {
	schema, name, _ := strings.Cut(table, ".")
	named, ofTable := fmt.Sprintf(`{"schema": %q}`, schema), fmt.Sprintf(`{"schema": %q, "table_name": %q}`, schema, name)
	return map[string][]string{
		"describe_table": {ofTable}, "find_relationships": {ofTable}, "get_foreign_keys": {ofTable}, "list_tables": {named}, "list_functions": {named},
		"list_indexes": {named, ofTable}, "table_stats": {named, ofTable}, "get_definition": {fmt.Sprintf(`{"name": %q}`, name+"_pkey")},
		"search_objects": {`{"pattern": "%", "detail": "full"}`, fmt.Sprintf(`{"pattern": %q}`, name),
			`{"pattern": "a", "kinds": ["value"]}`, `{"pattern": "itme amuont custmer paymnt nmae"}`},
		"seq_scan_candidates": {`{"min_bytes": 0}`}, "unused_indexes": {"{}", `{"max_scans": 1000}`}, "profile_table": {ofTable}, "get_dependent_rows": {ofTable},
	}
}
