package registry_test

import (
	"context"
	"encoding/json"
	"testing"

	"mcp-postgres/internal/pgtest"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// lastCall is a database that remembers the last call.
type lastCall struct {
	registry.Database
	call postgres.Call
}

func (l *lastCall) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	l.call = c
	return l.Database.Run(ctx, c, sink)
}

// TestCleanWithoutGuard: without roles nothing is known of what stands behind a name.
func TestCleanWithoutGuard(t *testing.T) {
	db := &lastCall{Database: openDB(t, pgtest.URL(t))}
	r := build(t, registry.Config{DB: db}, nil)
	for sql, want := range map[string]bool{
		"SELECT 1 AS one": true, "SELECT 'a', NULL, 1.5 WHERE true": true, "VALUES (1), (2)": true,
		"SELECT now()": false, "SELECT 1 + 1": false, "SELECT 'pg_class'::regclass": false, "TABLE pg_class": false, "SELECT pg_advisory_lock(1)": false,
		"SELECT 1 INTO TEMP leak": false, "EXPLAIN SELECT 1": false, "WITH a AS (SELECT pg_advisory_lock(1)) SELECT 1": false, "DO ''": false,
	} {
		args, err := json.Marshal(map[string]string{"sql": sql})
		if err != nil {
			t.Fatal(err)
		}
		call(t, r, "query", string(args))
		if !db.call.Foreign || db.call.Clean != want {
			t.Errorf("%s is run as foreign %v, clean %v; want clean %v", sql, db.call.Foreign, db.call.Clean, want)
		}
	}
}
