package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestSeveralHosts has the first of two hosts down, then up but read-only, then gone under a call.
func TestSeveralHosts(t *testing.T) {
	first, second := pgtest.NewCluster(t, demo.Config{}), pgtest.NewCluster(t, demo.Config{})
	for name, c := range map[string]*demo.Cluster{"first": first, "second": second} {
		pgtest.Exec(t, c.AdminURL(), "CREATE TABLE here AS SELECT '"+name+"' AS name; GRANT SELECT ON here TO "+demo.Role)
	}
	where := func(db *postgres.DB) string {
		t.Helper()
		got, _ := run(t, db, postgres.Call{SQL: "SELECT name FROM here", Prepare: true})
		return strings.Trim(got.json[0], `[]"`)
	}
	words := fmt.Sprintf("host=%s,%s port=5432,5432 user=%s dbname=%s sslmode=disable", first.Dir(), second.Dir(), demo.Role, demo.Database)
	both := open(t, words)
	if got := where(both); got != "first" {
		t.Errorf("with both up the call went to the %s, want the first", got)
	}
	if err := first.Halt(); err != nil {
		t.Fatal(err)
	}
	for name, db := range map[string]*postgres.DB{"after the loss": both, "at the start": open(t, words), "to write": open(t, words+" target_session_attrs=read-write")} {
		if got := where(db); got != "second" {
			t.Errorf("%s the call went to the %s, want the second", name, got)
		}
	}
	if err := first.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, first.AdminURL(), "ALTER ROLE "+demo.Role+" SET default_transaction_read_only = on")
	if got := where(open(t, words+" target_session_attrs=read-write")); got != "second" {
		t.Errorf("the call went to the read-only %s, want the second", got)
	}
}
