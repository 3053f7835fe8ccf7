package registry_test

import (
	"context"
	"encoding/json"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// lastCall is a database that remembers the last call.
type lastCall struct {
	registry.Database
	call postgres.Call
}

func (l *lastCall) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if c.Untrusted { // the guard's questions are not
		l.call = c
	}
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
		if !db.call.Untrusted || db.call.ProvenClean != want || db.call.Write == want {
			t.Errorf("%s is run as foreign %v, clean %v, write %v; want clean %v, write %v", sql, db.call.Untrusted, db.call.ProvenClean, db.call.Write, want, !want)
		}
	}
}

// TestReadsOfAWriter: of a role that may write, what provably only reads runs READ ONLY.
func TestReadsOfAWriter(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, total numeric); CREATE VIEW shop.recent AS SELECT * FROM shop.orders;
		CREATE FUNCTION shop.note() RETURNS int LANGUAGE sql AS 'INSERT INTO shop.orders VALUES (1, 2) RETURNING id'`)
	rules, err := guard.Parse("roles", []byte(`
roles:
  clerk: {schemas: [shop], tables: "*", operations: [select, insert, update, delete], functions: [note]}
users: {_default: clerk}
`))
	if err != nil {
		t.Fatal(err)
	}
	db := &lastCall{Database: openDB(t, url)}
	r := build(t, registry.Config{DB: db}, nil)
	ctx := guard.WithCaller(t.Context(), &guard.Caller{Sub: "alice", Claims: json.RawMessage(`{"sub": "alice"}`), Role: rules.Role("clerk")})
	for sql, reads := range map[string]bool{
		"SELECT id, round(total) FROM shop.orders WHERE id > 1": true, "WITH a AS (SELECT id FROM shop.orders) SELECT count(*) FROM a": true,
		"SELECT id FROM shop.orders FOR UPDATE": false, "SELECT id FROM shop.recent": false, "SELECT shop.note()": false,
		"UPDATE shop.orders SET total = 3": false, "WITH d AS (DELETE FROM shop.orders RETURNING id) SELECT id FROM d": false,
	} {
		got, isError := callAs(ctx, t, r, sql)
		if isError || db.call.SQL != sql || db.call.Write == reads {
			t.Errorf("%s is run as %q, write %v; want write %v: %s", sql, db.call.SQL, db.call.Write, !reads, got)
		}
	}
}
