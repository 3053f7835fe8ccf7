package registry_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// writingTools write, and may give an answer that is an error.
var writingTools = map[string]string{
	"w/large_rows.sql":   writer("limits: {bytes: 100}", "INSERT INTO w VALUES (1) RETURNING repeat('x', 1000) AS x"),
	"w/large_object.sql": writer("result: object\nlimits: {bytes: 100}", "INSERT INTO w VALUES (1) RETURNING repeat('x', 1000) AS x"),
	"w/large_value.sql":  writer("result: value\nlimits: {bytes: 100}", "INSERT INTO w VALUES (1) RETURNING repeat('x', 1000) AS x"),
	"w/huge.sql":         writer("", "INSERT INTO w VALUES (1) RETURNING repeat('x', 5000000) AS x"),
	"w/objects.sql":      writer("result: object", "INSERT INTO w VALUES (1), (2) RETURNING i"),
	"w/values.sql":       writer("result: value", "INSERT INTO w VALUES (1), (2) RETURNING i"),
	"w/columns.sql":      writer("result: value", "INSERT INTO w VALUES (1) RETURNING i, i AS again"),
	"w/no_object.sql":    writer("result: object", "WITH x AS (INSERT INTO w VALUES (1) RETURNING i) SELECT i FROM x WHERE i = 2"),
	"w/most.sql":         writer("limits: {max_affected: 1}", "INSERT INTO w VALUES (1), (2)"),
	"w/slow.sql":         writer("limits: {timeout: 50ms}", "WITH x AS (INSERT INTO w VALUES (1)) SELECT pg_sleep(60)"),
	"w/deferred.sql":     writer("", "WITH x AS (INSERT INTO w VALUES (1)) INSERT INTO child VALUES (7)"),
	"w/division.sql":     writer("", "INSERT INTO w SELECT i FROM generate_series(1, 3) AS i RETURNING 1 / (3 - i) AS x"),
	"w/sure.sql":         writer("not_found: {message: no such row}", "WITH x AS (INSERT INTO w VALUES (1)) UPDATE w SET i = 9 WHERE i = 8"),
	"w/asked.sql":        writer("not_found: {when: SELECT true, message: no such row}", "WITH x AS (INSERT INTO w VALUES (1)) UPDATE w SET i = 9 WHERE i = 8"),
	"w/add.sql":          writer("result: value", "INSERT INTO w VALUES (1) RETURNING i"),
	"w/call.sql":         writer("", "SELECT add_w(1) AS n, repeat('x', 5000000) AS x"),
}

func writer(keys, sql string) string {
	return "/*---\ndescription: Writes.\naccess: write\n" + keys + "\n---*/\n" + sql
}

const writingTables = "CREATE TABLE w (i int PRIMARY KEY); INSERT INTO w VALUES (0); CREATE TABLE child (i int REFERENCES w DEFERRABLE INITIALLY DEFERRED); " +
	"CREATE FUNCTION add_w(int) RETURNS int LANGUAGE sql AS 'INSERT INTO w VALUES ($1) RETURNING i'"

// interrupted is a database whose answers are kept from being given.
type interrupted struct {
	*postgres.DB
	before, after func()
}

func (d *interrupted) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if made := c.Answer; made != nil && c.Write {
		c.Answer = func(out postgres.Outcome) error {
			err := made(out)
			d.before()
			return err
		}
	}
	out, err := d.DB.Run(ctx, c, sink)
	if c.Write {
		d.after()
	}
	return out, err
}

// TestErrorsLeaveNoWrite: after an answer that is an error the table is as it was, whatever the error is.
func TestErrorsLeaveNoWrite(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	pgtest.Exec(t, c.AdminURL(), writingTables)
	tests := []struct{ tool, args, want string }{
		{"large_rows", `{}`, "the answer is larger than the limit of 100 bytes: nothing was changed"},
		{"large_object", `{}`, "the answer is larger than the limit of 100 bytes: nothing was changed"},
		{"large_value", `{}`, "the answer is larger than the limit of 100 bytes: nothing was changed"},
		{"huge", `{}`, "is larger than the limit of 4194304 bytes: nothing was changed"},
		{"call", `{}`, "is larger than the limit of 4194304 bytes: nothing was changed"},
		{"objects", `{}`, "the tool gives more than one row"},
		{"values", `{}`, "the tool gives more than one row"},
		{"columns", `{}`, "the tool gives 2 columns"},
		{"no_object", `{}`, "nothing was found: nothing was changed"},
		{"most", `{}`, "more than the limit of 1: nothing was changed"},
		{"slow", `{}`, "was stopped: nothing was changed"},
		{"deferred", `{}`, "violates foreign key constraint"},
		{"division", `{}`, "division by zero"},
		{"sure", `{}`, "no such row"},
		{"asked", `{}`, "no such row"},
		{"query", `{"sql": "INSERT INTO w VALUES (1) RETURNING repeat('x', 5000000)"}`, "is larger than the limit of 4194304 bytes: nothing was changed"},
		{"query", `{"sql": "INSERT INTO w SELECT generate_series(1, 3) RETURNING repeat('x', i * 1500000)", "row_limit": 1}`, "bytes: nothing was changed"},
		{"query", `{"sql": "WITH x AS (INSERT INTO w VALUES (1)) INSERT INTO child VALUES (7)"}`, "violates foreign key constraint"},
		{"query", `{"sql": "INSERT INTO w SELECT generate_series(1, 3) RETURNING 1 / (3 - i)", "row_limit": 1}`, "division by zero"},
		{"query", `{"sql": "COPY (INSERT INTO w VALUES (1) RETURNING i) TO STDOUT"}`, "in a tool call: nothing was changed"},
	}
	for name, url := range map[string]string{"direct": c.AdminURL(), "pooler": pgtest.PgBouncer(t, c, nil)} {
		r := build(t, registry.Config{DB: openDB(t, url)}, writingTools)
		for _, test := range tests {
			got, isError := call(t, r, test.tool, test.args)
			if !isError || !strings.Contains(got, test.want) {
				t.Errorf("%s: %s(%s) = %.400s, want the error %q", name, test.tool, test.args, got, test.want)
			}
			if left := pgtest.Value(t, c.AdminURL(), "SELECT (SELECT count(*) FROM w) + (SELECT count(*) FROM child)"); left != "1" {
				t.Fatalf("%s: after %s(%s) = %.400s the tables hold %s rows, want 1", name, test.tool, test.args, got, left)
			}
		}
	}
}

// TestInterruptedWrites: a panic or a caller who is gone before the COMMIT leaves nothing behind; after it, that is said.
func TestInterruptedWrites(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, writingTables)
	nothing := func() {}
	panics := func() { panic("secret") }
	db := &interrupted{openDB(t, url), panics, nothing}
	r := build(t, registry.Config{DB: db}, writingTools)
	const query = `{"sql": "INSERT INTO w VALUES (1) RETURNING i"}`
	for _, test := range []struct{ tool, args string }{{"add", "{}"}, {"query", query}} {
		if got, isError := call(t, r, test.tool, test.args); !isError || !strings.Contains(got, "internal error") || strings.Contains(got, "may have been committed") {
			t.Errorf("%s with a panic = %s, want an internal error", test.tool, got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		db.before = cancel
		res, err := r.Call(ctx, test.tool, json.RawMessage(test.args))
		if err != nil || res.Err == nil || !strings.Contains(text(t, res), "cancelled") {
			t.Errorf("%s that is cancelled before it is committed = %+v, %v; want an error", test.tool, res, err)
		}
		db.before = panics
		if left := pgtest.Value(t, url, "SELECT count(*) FROM w"); left != "1" {
			t.Errorf("%s left %s rows, want 1", test.tool, left)
		}
	}
	db.before, db.after = nothing, panics
	got, _ := call(t, r, "query", `{"sql": "SELECT add_w(1)"}`)
	if left := pgtest.Value(t, url, "SELECT count(*) FROM w"); left != "2" || !strings.Contains(got, "what the call changed, if anything, may have been committed") {
		t.Errorf("a function that wrote = %s with %s rows in the table, want it said", got, left)
	}
}

// TestWritesThatAreCut: not all rows are shown, and the answer does not ask for the statement again.
func TestWritesThatAreCut(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, writingTables)
	r := build(t, registry.Config{DB: openDB(t, url), MaxBytes: 300}, map[string]string{
		"w/cut.sql":   writer("limits: {rows: 1}", "INSERT INTO w SELECT generate_series(1, 3) RETURNING i"),
		"w/asked.sql": writer("not_found: {when: SELECT false, message: no such row}", "WITH x AS (INSERT INTO w VALUES (1)) UPDATE w SET i = 9 WHERE i = 8"),
	})
	const insert, after = `{"sql": "INSERT INTO w SELECT generate_series(1, 3) RETURNING i", "row_limit": 1, "format": "`, `"}`
	const done = "The statement is done and committed for all of them: don't repeat it, SELECT the others."
	for _, test := range []struct{ tool, args, want, rows string }{
		{"cut", `{}`, `{"items":[{"i":1}],"truncated":{"by":"rows","limit":1},"committed":true,"affected":3}`, "4"},
		{"query", insert + "json" + after, `{"items":[{"i":1}],"truncated":{"by":"rows","limit":1},"committed":true,"affected":3}`, "4"},
		{"query", insert + "markdown" + after, "1 row shown, there are more: the row limit is 1. " + done, "4"},
		{"query", insert + "csv" + after, "1 row shown, there are more: the row limit is 1. " + done, "4"},
		{"query", `{"sql": "INSERT INTO w SELECT generate_series(1, 3) RETURNING repeat('x', 100 * i)"}`, "the answer reached its limit of 300 bytes. " + done, "4"},
		{"query", `{"sql": "WITH x AS (INSERT INTO w SELECT generate_series(1, 3) RETURNING i) TABLE x", "row_limit": 1, "format": "json"}`, `"committed":true}`, "4"},
		{"query", `{"sql": "SELECT i FROM generate_series(1, 3) AS i", "row_limit": 1}`, "the row limit is 1. Raise row_limit", "1"},
		{"asked", `{}`, `{"affected":0,"command":"UPDATE"}`, "2"},
	} {
		got, isError := call(t, r, test.tool, test.args)
		rows := pgtest.Value(t, url, "SELECT count(*) FROM w")
		if isError || !strings.Contains(got, test.want) || rows != test.rows {
			t.Errorf("%s(%s) = %s with %s rows in the table, want %s and %s", test.tool, test.args, got, rows, test.want, test.rows)
		}
		pgtest.Exec(t, url, "DELETE FROM w WHERE i > 0")
	}
}

func TestNotices(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE w (i int); CREATE FUNCTION speak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a \"secret\"'; RETURN 1; END $$")
	const speak, told = "SELECT speak() AS n", `"notices":["WARNING: a \"secret\""]}`
	files := map[string]string{
		"n/rows.sql":     "/*---\ndescription: x\nlimits: {rows: 2}\n---*/\n" + speak,
		"n/none.sql":     "/*---\ndescription: x\nlimits: {rows: 2}\n---*/\nSELECT 1 AS n",
		"n/object.sql":   "/*---\ndescription: x\nresult: object\n---*/\n" + speak,
		"n/taken.sql":    "/*---\ndescription: x\nresult: object\n---*/\nSELECT speak() AS notices",
		"n/value.sql":    "/*---\ndescription: x\nresult: value\n---*/\n" + speak,
		"n/owner.sql":    "/*---\ndescription: x\ntrust: owner\nresult: value\n---*/\n" + speak,
		"n/affected.sql": writer("", "INSERT INTO w VALUES (speak())"),
	}
	r := build(t, registry.Config{DB: openDB(t, url)}, files)
	rules, err := guard.Parse("roles", []byte("roles:\n  all: {schemas: [public], tables: \"*\", operations: [select, insert], functions: [speak]}\nusers: {_default: all}\n"))
	if err != nil {
		t.Fatal(err)
	}
	asRole := guard.WithCaller(t.Context(), &guard.Caller{Sub: "ann", Role: rules.Role("all")})
	long := "SELECT 1 AS " + strings.Repeat("n", 70)
	if got, isError := callAs(t.Context(), t, r, long); isError || !strings.Contains(got, "will be truncated to") {
		t.Errorf("%s = %s, want the notice", long, got)
	}
	if got, isError := callAs(asRole, t, r, long); !isError || !strings.Contains(got, "has more than 63 bytes") {
		t.Errorf("%s with a role = %s, want it refused: the guard would read another name than PostgreSQL", long, got)
	}
	for _, test := range []struct {
		tool, args, want string
		role             string // what a caller with a role gets
	}{
		{"rows", `{}`, `{"items":[{"n":1}],` + told, `{"items":[{"n":1}]}`},
		{"none", `{}`, `{"items":[{"n":1}]}`, `{"items":[{"n":1}]}`},
		{"object", `{}`, `{"n":1,` + told, `{"n":1}`},
		{"taken", `{}`, `{"notices":1}WARNING: a "secret"`, `{"notices":1}`},
		{"value", `{}`, `{"value":1,` + told, `{"value":1}`},
		{"owner", `{}`, `{"value":1,` + told, `{"value":1}`},
		{"affected", `{}`, `{"affected":1,"command":"INSERT",` + told, `{"affected":1,"command":"INSERT"}`},
		{"query", `{"sql": "SELECT speak() AS n", "format": "json"}`, `{"items":[{"n":1}],` + told, `{"items":[{"n":1}]}`},
		{"query", `{"sql": "SELECT speak() AS n", "format": "csv"}`, "n\n1\nWARNING: a \"secret\"", "n\n1\n"},
		{"query", `{"sql": "SELECT speak() AS n"}`, "1 row.WARNING: a \"secret\"", "1 row."},
	} {
		for ctx, want := range map[context.Context]string{t.Context(): test.want, asRole: test.role} {
			res, err := r.Call(ctx, test.tool, json.RawMessage(test.args))
			if err != nil {
				t.Fatal(err)
			}
			got := text(t, res)
			if res.Err != nil || !strings.Contains(got, want) || ctx == asRole && strings.Contains(got, "secret") {
				t.Errorf("%s(%s) with a role %v = %s, want %s", test.tool, test.args, ctx == asRole, got, want)
			}
			if body := res.JSON; body != "" && (!json.Valid([]byte(body)) || !strings.HasPrefix(got, body)) {
				t.Errorf("%s(%s): structured content %s beside the text %s", test.tool, test.args, body, got)
			}
		}
	}
	for sql, want := range map[string]string{
		"CREATE TABLE IF NOT EXISTS w ()": "CREATE TABLE: done.NOTICE: relation \"w\" already exists, skipping",
		"DROP TABLE IF EXISTS nowhere":    "DROP TABLE: done.NOTICE: table \"nowhere\" does not exist, skipping",
	} {
		args, _ := json.Marshal(map[string]string{"sql": sql})
		if got, _ := call(t, r, "query", string(args)); got != want {
			t.Errorf("query(%s) = %s, want %s", sql, got, want)
		}
	}
}

// TestCutSelectThatWrites: the rows of a SELECT are cut, and what its function did is committed. An agent that is told to ask for more
// rows would do it again.
func TestCutSelectThatWrites(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE log (n int); CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 9) g;
		CREATE FUNCTION notes(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES (n) RETURNING n';
		CREATE FUNCTION doubles(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
		CREATE VIEW noting AS SELECT notes(id) AS n FROM t; CREATE VIEW doubling AS SELECT doubles(id) AS n FROM t`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	role := &guard.Role{Name: "writer", Schemas: []string{"public"}, AllTables: true, AllTools: true, Operations: 15,
		Functions: []guard.Table{{Name: "notes"}, {Name: "doubles"}}}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	for who, ctx := range map[string]context.Context{"nobody": t.Context(), "a role": as} {
		for sql, writes := range map[string]bool{
			"SELECT notes(id) FROM t": true, "SELECT * FROM noting": true, "SELECT n FROM noting UNION ALL SELECT id FROM t": true,
			"SELECT id FROM t": false, "SELECT doubles(id) FROM t": false, "SELECT * FROM doubling": false, "TABLE t": false,
		} {
			for format, want := range map[string]string{"markdown": "Don't repeat it", "csv": "Don't repeat it", "json": `"committed":true`} {
				before := pgtest.Value(t, url, "SELECT count(*) FROM log")
				args, _ := json.Marshal(map[string]any{"sql": sql, "row_limit": 2, "format": format})
				res, err := r.Call(ctx, "query", args)
				if err != nil {
					t.Fatal(err)
				}
				got := strings.Join(res.Texts, " ")
				wrote := pgtest.Value(t, url, "SELECT count(*) FROM log") != before
				if res.Err != nil || strings.Contains(got, want) != writes || wrote != writes || strings.Contains(got, "Raise row_limit") == (writes || format == "json") || strings.Contains(got, "affected") {
					t.Errorf("%s as %s in %s = %s; it wrote: %v, want told of it: %v", sql, who, format, got, wrote, writes)
				}
			}
		}
	}
}
