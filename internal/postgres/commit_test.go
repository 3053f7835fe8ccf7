package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// sinkFunc is a sink whose rows go to a function.
type sinkFunc func([][]byte) bool

func (f sinkFunc) Columns([]postgres.Column) {}
func (f sinkFunc) Row(values [][]byte) bool  { return f(values) }

// attempt runs a call that may panic.
func attempt(ctx context.Context, db *postgres.DB, c postgres.Call, sink postgres.Sink) (out postgres.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic: " + p.(string))
		}
	}()
	return db.Run(ctx, c, sink)
}

// TestNoErrorLeavesAWrite: whatever keeps the answer of a write from being given, the table is as it was. The pool has
// one connection, so that one that is not given back is noticed.
func TestNoErrorLeavesAWrite(t *testing.T) {
	direct, through := pooled(t, nil)
	pgtest.Exec(t, direct, "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED); "+
		"CREATE TYPE mood AS ENUM ('fine'); INSERT INTO t VALUES (0)")
	cancelled := func(cancel func()) func(postgres.Outcome) error {
		return func(postgres.Outcome) error { cancel(); return nil }
	}
	fails := func(postgres.Outcome) error { return errors.New("no answer") }
	panics := func(postgres.Outcome) error { panic("no answer") }
	all := sinkFunc(func([][]byte) bool { return true })
	const insert = "INSERT INTO t SELECT generate_series(1, 3) RETURNING id, 'fine'::mood"
	for name, url := range map[string]string{"direct": direct, "pooler": through} {
		for _, foreign := range []bool{false, true} {
			db := open(t, url, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
			ctx, cancel := context.WithCancel(t.Context())
			inRow, cancelInRow := context.WithCancel(t.Context())
			for _, test := range []struct {
				want string
				ctx  context.Context
				call postgres.Call
				sink postgres.Sink
			}{
				{"no answer", t.Context(), postgres.Call{SQL: insert, Answer: fails}, all},
				{"panic: no answer", t.Context(), postgres.Call{SQL: insert, Answer: panics}, all},
				{"panic: no row", t.Context(), postgres.Call{SQL: insert}, sinkFunc(func([][]byte) bool { panic("no row") })},
				{"context canceled", ctx, postgres.Call{SQL: insert, Answer: cancelled(cancel)}, all},
				{"context canceled", inRow, postgres.Call{SQL: insert}, sinkFunc(func([][]byte) bool { cancelInRow(); return true })},
				{"no answer", t.Context(), postgres.Call{SQL: insert, MaxRows: 1, Answer: fails}, all},
				{"affects 3 rows", t.Context(), postgres.Call{SQL: insert, MaxAffected: 2}, all},
				{"violates foreign key", t.Context(), postgres.Call{SQL: "WITH x AS (INSERT INTO t VALUES (1)) INSERT INTO child VALUES (7) RETURNING id"}, all},
				{"nothing was changed", t.Context(), postgres.Call{SQL: "INSERT INTO t VALUES (1) RETURNING repeat('x', 5000000)"}, all},
				{"nothing was changed", t.Context(), postgres.Call{SQL: "INSERT INTO t SELECT generate_series(1, 3) RETURNING repeat('x', id * 1500000)", MaxRows: 1}, all},
				{"division by zero", t.Context(), postgres.Call{SQL: "INSERT INTO t SELECT generate_series(1, 3) RETURNING 1 / (3 - id)", MaxRows: 1}, all},
				{"nothing was changed", t.Context(), postgres.Call{SQL: "WITH x AS (INSERT INTO t VALUES (1)) SELECT pg_sleep(60)", Timeout: 100 * time.Millisecond}, all},
				{"nothing was changed", t.Context(), postgres.Call{SQL: "WITH x AS (INSERT INTO t VALUES (1)) SELECT pg_terminate_backend(pg_backend_pid())"}, all},
			} {
				test.call.Write, test.call.Untrusted = true, foreign
				_, err := attempt(test.ctx, db, test.call, test.sink)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: Run(%s) = %v, want %q in it", name, test.call.SQL, err, test.want)
				}
				if got, _ := run(t, db, postgres.Call{SQL: "SELECT count(*) FROM t"}); got.json[0] != "[1]" {
					t.Fatalf("%s: after Run(%s) = %v the table holds %s rows, want 1", name, test.call.SQL, err, got.json[0])
				}
			}
		}
	}
}

// TestAnswerIsCommitted: an answer that is made is true, also where the caller does not want all rows.
func TestAnswerIsCommitted(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int); CREATE TYPE mood AS ENUM ('fine')")
	db := open(t, url)
	made := 0
	call := postgres.Call{SQL: "INSERT INTO t SELECT generate_series(1, 3) RETURNING id, 'fine'::mood", Write: true, Untrusted: true, MaxRows: 1,
		Answer: func(out postgres.Outcome) error {
			made++
			if want := (postgres.Outcome{Command: "INSERT", Affected: 3, HasRows: true, Rows: 1, More: true}); !cmp.Equal(out, want) {
				t.Errorf("Answer(%+v), want %+v", out, want)
			}
			return nil
		}}
	if got, _ := run(t, db, call); len(got.json) != 1 || got.json[0] != `[1,"fine"]` {
		t.Errorf("rows = %s, want the first", got.json)
	}
	call = postgres.Call{SQL: "SELECT 1 AS n", Answer: func(postgres.Outcome) error { made++; return errors.New("no answer") }}
	if _, err := db.Run(t.Context(), call, &rows{}); err == nil || err.Error() != "no answer" || made != 2 {
		t.Errorf("a read whose answer fails = %v, after %d answers; want its error after 2", err, made)
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM t"); got != "3" {
		t.Errorf("the table holds %s rows, want 3", got)
	}
}

func TestNotices(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	direct := c.AdminURL()
	pgtest.Exec(t, direct, `CREATE TABLE t (id int);
		CREATE FUNCTION speak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'a secret'; RAISE WARNING 'a secret' USING ERRCODE = '42P07';
			RAISE LOG 'log'; RAISE DEBUG 'debug'; RAISE INFO 'told'; RETURN 1; END $$;
		CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'at commit'; RETURN NULL; END $$;
		CREATE TABLE deferred (id int);
		CREATE CONSTRAINT TRIGGER late AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()`)
	long := strings.Repeat("x", 70)
	cut := `NOTICE: identifier "` + long + `" will be truncated to "` + long[:63] + `"`
	tests := []struct {
		sql        string
		write      bool
		all, ownly []string
	}{
		{"SELECT 1", false, nil, nil},
		{"CREATE TABLE IF NOT EXISTS t ()", true, []string{`NOTICE: relation "t" already exists, skipping`}, []string{`NOTICE: relation "t" already exists, skipping`}},
		{"DROP TABLE IF EXISTS nowhere", true, []string{`NOTICE: table "nowhere" does not exist, skipping`}, nil},
		{"SELECT 1 AS " + long, false, []string{cut}, []string{cut}},
		{"SELECT speak()", false, []string{"NOTICE: a secret", "WARNING: a secret", "INFO: told"}, nil},
		{"INSERT INTO deferred VALUES (1)", true, []string{"NOTICE: at commit"}, nil},
	}
	for name, url := range map[string]string{"direct": direct, "pooler": pgtest.PgBouncer(t, c, nil)} {
		db := open(t, url)
		for _, test := range tests {
			for own, want := range map[bool][]string{false: test.all, true: test.ownly} {
				_, out := run(t, db, postgres.Call{SQL: test.sql, Write: test.write, Untrusted: true, OwnNotices: own})
				if diff := cmp.Diff(want, out.Notices); diff != "" {
					t.Errorf("%s: notices of %s, own %v (-want +got):\n%s", name, test.sql, own, diff)
				}
			}
		}
	}
}

func TestNoticesAreBounded(t *testing.T) {
	db := open(t, pgtest.URL(t))
	for _, test := range []struct {
		of, size string
		kept     int
		last     string
	}{{"100", "1", 20, "and 80 more"}, {"100", "10000", 8, "and 92 more"}, {"2", "10000", 2, ""}} {
		_, out := run(t, db, postgres.Call{SQL: "DO $$ BEGIN FOR i IN 1.." + test.of + " LOOP RAISE NOTICE '%', repeat('é', " + test.size + "); END LOOP; END $$"})
		got, last := out.Notices, ""
		if test.last != "" && len(got) > 0 {
			got, last = got[:len(got)-1], got[len(got)-1]
		}
		size := len(strings.Join(got, ""))
		if len(got) != test.kept || last != test.last || size > 4000 {
			t.Errorf("%s notices of %s characters: %d of %d bytes are kept, then %q; want %d and %q", test.of, test.size, len(got), size, last, test.kept, test.last)
		}
	}
}

// TestHeldRowsAreNotLost: rows that wait for their type are handed on, also where the rest is not worth the connection.
func TestHeldRowsAreNotLost(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TYPE mood AS ENUM ('fine')")
	db := open(t, url)
	sink := &rows{limit: 3}
	call := postgres.Call{SQL: "SELECT 'fine'::mood, repeat('x', 100000) FROM generate_series(1, 1000)", MaxRows: 1000, Untrusted: true}
	if out, err := db.Run(t.Context(), call, sink); err != nil || out.Rows != 3 || !out.More || len(sink.json) != 3 {
		t.Errorf("Run = %+v, %v with %d rows; want 3 and more", out, err, len(sink.json))
	}
}
