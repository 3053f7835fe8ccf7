package registry_test

import (
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

func TestQueryStreams(t *testing.T) {
	url := pgtest.URL(t)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	for args, want := range map[string]string{
		`{"sql": "SELECT * FROM generate_series(1, 1000000000)", "row_limit": 2}`:                                        "| generate_series |\n| --- |\n| 1 |\n| 2 |\n\n2 rows shown",
		`{"sql": "SELECT n * 2 AS a FROM generate_series($1::int, 1000000000) t(n)", "row_limit": 1, "parameters": [4]}`: "| a |\n| --- |\n| 8 |\n\n1 row shown",
		`{"sql": "SELECT g,\n nope FROM generate_series(1, 1000000000) g"}`:                                              `"code":"42703","message":"column \"nope\" does not exist","line":2,"column":2`,
		`{"sql": "SELECT g FROM generate_series(1, 3) g\nWHERE g = nope"}`:                                               `"code":"42703","message":"column \"nope\" does not exist","hint":"if it is a text, write 'nope'","line":2,"column":11`,
		`{"sql": "SELECT g FROM generate_series(1, 1000000000, $1) g", "row_limit": 1, "parameters": ["x"]}`:             `parameters[0]: \"x\" is not a value of type integer`,
		`{"sql": "SELECT count(*) FROM generate_series(1, 3)"}`:                                                          "| 3 |",
		`{"sql": "INSERT INTO pg_temp.x SELECT * FROM generate_series(1, 3)"}`:                                           "42P01",
	} {
		start := time.Now()
		if got, _ := call(t, r, "query", args); !strings.Contains(got, want) {
			t.Errorf("query(%s) = %s, want %s", args, got, want)
		}
		t.Logf("%v: %s", time.Since(start).Round(time.Millisecond), args)
	}
	const busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
	for end := time.Now().Add(30 * time.Second); pgtest.Value(t, url, busy) != "0"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a statement still runs")
		}
	}
}
