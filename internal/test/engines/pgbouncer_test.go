package engines_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestPgBouncer has each of its modes with fewer server connections than there are threads.
func TestPgBouncer(t *testing.T) {
	for _, mode := range []string{"transaction", "session"} {
		t.Run(mode, func(t *testing.T) {
			c := cluster(t, demo.Config{})
			pgtest.Exec(t, c.AdminURL(), shop)
			db, _ := open(t, pgtest.PgBouncer(t, c, map[string]string{"pool_mode": mode, "default_pool_size": "4"}))
			began := time.Now()
			for sql, want := range map[string]string{
				"SELECT count(*) FROM products":                                             "42501",
				"SELECT string_agg(owner, ',') FROM notes":                                  "dan",
				"SELECT current_setting('statement_timeout'), current_setting('timezone')":  "30s UTC",
				"SELECT current_setting('request.jwt.claims'), current_setting('mcp.role')": `{"sub":"dan"} dbr`,
			} {
				only(t, sql, answers(t, db, 8, 24, postgres.Call{SQL: sql, Identity: dan, Untrusted: true}), want)
			}
			t.Logf("768 calls took %v", time.Since(began))
		})
	}
}

// TestPgBouncerStatementMode can't work: the answer and the log say why.
func TestPgBouncerStatementMode(t *testing.T) {
	c := cluster(t, demo.Config{})
	through := pgtest.PgBouncer(t, c, map[string]string{"pool_mode": "statement"})
	for _, words := range []string{"", "&pgbouncer=true"} {
		db, log := open(t, through+words)
		for range 3 {
			got := call(t, db, postgres.Call{SQL: "SELECT 1", Prepare: true})
			e, ok := got.err.(*postgres.Error)
			if !ok || e.Code != "08P01" || e.Retryable || !strings.Contains(e.Message, "statement mode") {
				t.Errorf("a call behind statement mode = %v, want 08P01 for that reason, not retryable", got.err)
			}
		}
		if !strings.Contains(log.String(), "statement mode") {
			t.Errorf("the log does not say why:\n%s", log.String())
		}
	}
}

// TestPgBouncerQueue has calls wait in the pooler for longer than their limit. PgBouncer runs even then what it was sent, but
// that does not hold the COMMIT.
func TestPgBouncerQueue(t *testing.T) {
	c := cluster(t, demo.Config{})
	pgtest.Exec(t, c.AdminURL(), "CREATE TABLE t (id int)")
	through := pgtest.PgBouncer(t, c, map[string]string{"default_pool_size": "1"})
	for name, test := range map[string]struct {
		call      postgres.Call
		code      string
		retryable bool
		hint      string
	}{
		"read":  {postgres.Call{SQL: "SELECT 1"}, "53300", true, "try again"},
		"write": {postgres.Call{SQL: "INSERT INTO t VALUES (1)", Write: true}, "53300", true, "try again"},
	} {
		db, _ := open(t, through)
		only(t, "a call while nobody waits", answers(t, db, 1, 1, postgres.Call{SQL: "SELECT 1"}), "1")
		other, err := pgx.Connect(t.Context(), through)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close(t.Context())
		if _, err := other.Exec(t.Context(), "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		test.call.Timeout = 300 * time.Millisecond
		e := (*postgres.Error)(nil)
		if err := call(t, db, test.call).err; !errors.As(err, &e) || e.Code != test.code || e.Retryable != test.retryable || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("a %s that waited in the pooler = %#v, want %s, retryable %v, %q", name, err, test.code, test.retryable, test.hint)
		}
		if _, err := other.Exec(t.Context(), "COMMIT", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		only(t, "a call after it", answers(t, db, 1, 1, postgres.Call{SQL: "SELECT 1"}), "1") // behind what waits
	}
	if n := pgtest.Value(t, c.AdminURL(), "SELECT count(*) FROM t"); n != "0" {
		t.Errorf("%s rows were written", n)
	}
}
