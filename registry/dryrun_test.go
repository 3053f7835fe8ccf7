package registry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const dryFixture = `CREATE SCHEMA shop; CREATE TABLE shop.items (id int PRIMARY KEY, n int CHECK (n < 100), parent int REFERENCES shop.items DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.log (said text); INSERT INTO shop.items SELECT n, n, NULL FROM generate_series(1, 10) AS n;
CREATE FUNCTION shop.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.log VALUES (NEW.id); RAISE NOTICE 'noted %', NEW.id; RETURN NEW; END $$;
CREATE TRIGGER noted AFTER UPDATE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.noted()`

var dryTools = map[string]string{
	"x/raise.sql":  "/*---\ndescription: Raises.\naccess: write\nresult: affected\nlimits: {max_affected: 5}\nparams: [{name: least, type: integer, required: true}]\n---*/\nUPDATE shop.items SET n = n + 1 WHERE id >= @least",
	"x/own.sql":    "/*---\ndescription: Has its own.\naccess: write\nresult: affected\nparams: [{name: dry_run, type: boolean, required: true}]\n---*/\nUPDATE shop.items SET n = n WHERE @dry_run AND id = 1",
	"x/parent.sql": "/*---\ndescription: Breaks a deferred key.\naccess: write\nresult: affected\n---*/\nUPDATE shop.items SET parent = 99 WHERE id = 1",
}

const dryState = "SELECT concat_ws(' ', (SELECT sum(n) FROM shop.items), (SELECT count(*) FROM shop.items), (SELECT count(*) FROM shop.log))"

// TestDryRun: the answer is that of the call, and nothing stays.
func TestDryRun(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, dryFixture)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, dryTools)
	before := pgtest.Value(t, url, dryState)
	for _, test := range []struct{ tool, args, want string }{
		{"query", `{"sql": "UPDATE shop.items SET n = 0 WHERE id < 4", "dry_run": true}`, "UPDATE: 3 rows affected."},
		{"query", `{"sql": "UPDATE shop.items SET n = 0 WHERE id < 4", "dry_run": true}`, "Dry run: all was rolled back."},
		{"query", `{"sql": "UPDATE shop.items SET n = 0 WHERE id < 4", "dry_run": true}`, "Locks: RowExclusiveLock on shop.items, RowExclusiveLock on shop.log."},
		{"query", `{"sql": "UPDATE shop.items SET n = 0 WHERE id < 4", "dry_run": true}`, "noted 3"},
		{"query", `{"sql": "UPDATE shop.items SET n = $1 WHERE id = $2 RETURNING n", "parameters": [42, 1], "dry_run": true, "format": "csv"}`, "n\n42\n"},
		{"query", `{"sql": "DELETE FROM shop.items WHERE id = 2 RETURNING id; SELECT count(*) FROM shop.items", "dry_run": true, "format": "csv"}`, "count\n9"},
		{"query", `{"sql": "DELETE FROM shop.items", "dry_run": true, "format": "json"}`, `Dry run: all was rolled back`},
		{"query", `{"sql": "TRUNCATE shop.items", "dry_run": true}`, "Locks: AccessExclusiveLock on shop.items"},
		{"query", `{"sql": "UPDATE shop.items SET n = 200 WHERE id = 1", "dry_run": true}`, "23514"},
		{"query", `{"sql": "UPDATE shop.items SET parent = 99 WHERE id = 1", "dry_run": true}`, "23503"},
		{"query", `{"sql": "SELECT count(*) FROM shop.items; UPDATE shop.items SET parent = 99 WHERE id = 1", "dry_run": true}`, "statement 2"},
		{"query", `{"sql": "UPDATE shop.items SET n = $1", "parameters": ["x"], "dry_run": true}`, "22P02"},
		{"raise", `{"least": 8, "dry_run": true}`, `{"affected":3`},
		{"raise", `{"least": 8, "dry_run": true}`, `Dry run: all was rolled back`},
		{"raise", `{"least": 1, "dry_run": true}`, "affects 10 rows, more than the limit of 5"},
		{"parent", `{"dry_run": true}`, "23503"},
		{"parent", `{}`, "23503"},
	} {
		if got, _ := call(t, r, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s %s = %s, want %q", test.tool, test.args, got, test.want)
		}
		if after := pgtest.Value(t, url, dryState); after != before {
			t.Fatalf("after %s %s there is %s, before %s", test.tool, test.args, after, before)
		}
	}
	for _, test := range []struct{ tool, args, want string }{
		{"raise", `{"least": 8}`, `{"affected":3,`}, {"raise", `{"least": 10, "dry_run": false}`, `{"affected":1,`},
		{"own", `{"dry_run": true}`, `{"affected":1,`}, {"query", `{"sql": "UPDATE shop.items SET n = 1 WHERE id = 1"}`, "1 row affected"},
	} {
		if got, _ := call(t, r, test.tool, test.args); !strings.Contains(got, test.want) || strings.Contains(got, "Dry run") {
			t.Errorf("%s %s = %s, want %q", test.tool, test.args, got, test.want)
		}
	}
	if after := pgtest.Value(t, url, dryState); after == before {
		t.Errorf("after calls without dry_run there is %s, as before", after)
	}
	readOnly := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	if got, _ := call(t, readOnly, "query", `{"sql": "SELECT 1", "dry_run": true}`); !strings.Contains(got, "unknown argument") {
		t.Errorf("dry_run in read-only mode = %s, want that there is no such argument", got)
	}
}

// TestMostAffected bounds the rows that a call changes by the server, a role and a tool file.
func TestMostAffected(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, dryFixture)
	r := buildAll(t, registry.Config{DB: openDB(t, url), MaxAffected: 4}, dryTools)
	before := pgtest.Value(t, url, dryState)
	refused := func(what, got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %q", what, got, want)
		}
		if after := pgtest.Value(t, url, dryState); after != before {
			t.Fatalf("after %s there is %s, before %s", what, after, before)
		}
	}
	for sql, want := range map[string]string{
		"UPDATE shop.items SET n = 0 WHERE id < 6":                                                   "changes 5 rows, more than the limit of 4: nothing was changed",
		"DELETE FROM shop.items RETURNING id":                                                        "changes 10 rows",
		"UPDATE shop.items SET n = 0 WHERE id < 4; DELETE FROM shop.items WHERE id > 8":              "changes 5 rows",
		"INSERT INTO shop.items SELECT n, 1 FROM generate_series(20, 30) AS n":                       "changes 11 rows",
		"WITH d AS (DELETE FROM shop.items RETURNING id) SELECT count(*) FROM d":                     "within WITH",
		"WITH d AS (UPDATE shop.items SET n = 0 RETURNING id) INSERT INTO shop.log SELECT id FROM d": "within WITH",
		"TRUNCATE shop.items":                        "TRUNCATE",
		"DROP TABLE shop.items":                      "DROP TABLE",
		"DO $$ BEGIN DELETE FROM shop.items; END $$": "DO changes",
		"EXPLAIN ANALYZE DELETE FROM shop.items":     "limit",
		"ALTER TABLE shop.items DROP COLUMN n":       "ALTER TABLE",
		"SELECT 1; TRUNCATE shop.items":              "statement 2",
	} {
		args, _ := json.Marshal(map[string]string{"sql": sql})
		got, _ := call(t, r, "query", string(args))
		refused(sql, got, want)
	}
	got, _ := call(t, r, "raise", `{"least": 6}`)
	refused("a tool", got, "affects 5 rows, more than the limit of 4")
	role := &guard.Role{Name: "clerk", Schemas: []string{"shop"}, AllTables: true, AllTools: true, Operations: 1 | 2 | 4 | 8, Limits: guard.Limits{Affected: 2}}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Claims: json.RawMessage(`{"sub": "a"}`), Role: role})
	got, _ = callAs(as, t, r, "UPDATE shop.items SET n = 0 WHERE id < 4")
	refused("a role", got, "changes 3 rows, more than the limit of 2")
	for _, sql := range []string{"UPDATE shop.items SET n = 1 WHERE id < 5", "SELECT * FROM shop.items", "CREATE TABLE shop.more (a int)", "CREATE TABLE shop.copies AS SELECT * FROM shop.items",
		"INSERT INTO shop.items VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = 2", "EXPLAIN DELETE FROM shop.items"} {
		if got, isError := callAs(t.Context(), t, r, sql); isError {
			t.Errorf("%s = %s, want it done", sql, got)
		}
	}
	if got, isError := callAs(as, t, r, "UPDATE shop.items SET n = 3 WHERE id < 3"); isError {
		t.Errorf("two rows by a role = %s", got)
	}
}
