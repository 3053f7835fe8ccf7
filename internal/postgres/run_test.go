package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

func TestRun(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 20) i")
	db := open(t, url)
	tests := []struct {
		name string
		call postgres.Call
		want []string
		out  postgres.Outcome
	}{
		{"rows", postgres.Call{SQL: "SELECT id, name FROM t WHERE id < $1::int ORDER BY id", Args: texts("3")},
			[]string{`[1,"n1"]`, `[2,"n2"]`}, postgres.Outcome{Command: "SELECT", Affected: 2, HasRows: true, Rows: 2}},
		{"null argument", postgres.Call{SQL: "SELECT $1::text IS NULL", Args: [][]byte{nil}},
			[]string{`[true]`}, postgres.Outcome{Command: "SELECT", Affected: 1, HasRows: true, Rows: 1}},
		{"no rows", postgres.Call{SQL: "SELECT 1 WHERE false"}, nil, postgres.Outcome{Command: "SELECT", HasRows: true}},
		{"row limit", postgres.Call{SQL: "SELECT id FROM t ORDER BY id", MaxRows: 2},
			[]string{`[1]`, `[2]`}, postgres.Outcome{HasRows: true, Rows: 2, More: true}},
		{"row limit just met", postgres.Call{SQL: "SELECT id FROM t WHERE id < 3 ORDER BY id", MaxRows: 2},
			[]string{`[1]`, `[2]`}, postgres.Outcome{Command: "SELECT", Affected: 2, HasRows: true, Rows: 2}},
		{"write", postgres.Call{SQL: "UPDATE t SET name = 'x' WHERE id > 15", Write: true}, nil, postgres.Outcome{Command: "UPDATE", Affected: 5}},
		{"write with rows", postgres.Call{SQL: "DELETE FROM t WHERE id > 18 RETURNING id", Write: true, MaxRows: 10},
			[]string{`[19]`, `[20]`}, postgres.Outcome{Command: "DELETE", Affected: 2, HasRows: true, Rows: 2}},
		{"insert", postgres.Call{SQL: "INSERT INTO t VALUES (100, 'new')", Write: true, MaxAffected: 1}, nil, postgres.Outcome{Command: "INSERT", Affected: 1}},
		{"ddl", postgres.Call{SQL: "CREATE TABLE made (x int)", Write: true}, nil, postgres.Outcome{Command: "CREATE TABLE"}},
		{"table without columns", postgres.Call{SQL: "SELECT"}, []string{`[]`}, postgres.Outcome{Command: "SELECT", Affected: 1, HasRows: true, Rows: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, out := run(t, db, test.call)
			if diff := cmp.Diff(test.want, got.json); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.out, out); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
	if got := pgtest.Value(t, url, "SELECT count(*) || ' ' || count(*) FILTER (WHERE name = 'x') FROM t"); got != "19 3" {
		t.Errorf("after the writes the table holds %s, want 19 3", got)
	}
}

func TestRunErrors(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int)")
	db := open(t, url)
	tests := []struct {
		name, code, message string
		call                postgres.Call
	}{
		{"syntax", "42601", `syntax error at or near "SELEC"`, postgres.Call{SQL: "SELEC 1"}},
		{"unknown table", "42P01", `relation "nope" does not exist`, postgres.Call{SQL: "SELECT * FROM nope"}},
		{"empty", "42601", "the statement is empty", postgres.Call{SQL: "  -- nothing"}},
		{"two statements", "42601", "cannot insert multiple commands into a prepared statement", postgres.Call{SQL: "SELECT 1; SELECT 2"}},
		{"write in a read", "25006", "cannot execute INSERT in a read-only transaction", postgres.Call{SQL: "INSERT INTO t VALUES (1)"}},
		{"read write comes too late", "25001", "transaction read-write mode must be set before any query", postgres.Call{SQL: "SET TRANSACTION READ WRITE"}},
		{"copy to", "0A000", "COPY to or from the client is not possible in a tool call", postgres.Call{SQL: "COPY t TO STDOUT"}},
		{"copy from", "0A000", "COPY to or from the client is not possible in a tool call", postgres.Call{SQL: "COPY t FROM STDIN", Write: true}},
		{"too many rows written", "54000", "the statement affects 3 rows, more than the limit of 2: nothing was changed",
			postgres.Call{SQL: "INSERT INTO t SELECT generate_series(1, 3)", Write: true, MaxAffected: 2}},
		{"error at commit", "23503", `insert or update on table "child" violates foreign key constraint "child_id_fkey"`,
			postgres.Call{SQL: "INSERT INTO child VALUES (1)", Write: true}},
		{"cell of 100 MB", "54000", "one row or message of 100000006 bytes is larger than the limit of 4194304 bytes", postgres.Call{SQL: "SELECT repeat('x', 100000000)"}},
		{"error text of 20 MB", "54000", "is larger than the limit of 4194304 bytes", postgres.Call{SQL: "SELECT repeat('x', 20000000)::int"}},
		{"notices of 5 MB", "54000", "the statement sends more than 4194304 bytes of notices",
			postgres.Call{SQL: "DO $$ BEGIN FOR i IN 1..5000 LOOP RAISE NOTICE '%', repeat('x', 1000); END LOOP; END $$"}},
		{"time", "57014", "the statement took longer than its time limit of 100ms and was stopped", postgres.Call{SQL: "SELECT pg_sleep(60)", Timeout: 100 * time.Millisecond}},
	}
	pgtest.Exec(t, url, "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := db.Run(t.Context(), test.call, &rows{})
			var e *postgres.Error
			if !errors.As(err, &e) || e.Code != test.code || !strings.Contains(e.Message, test.message) {
				t.Errorf("Run(%q) = %v, want %s %s", test.call.SQL, err, test.code, test.message)
			}
			if got, _ := run(t, db, postgres.Call{SQL: "SELECT 1"}); got.json[0] != "[1]" {
				t.Errorf("the next call gives %s, want [1]", got.json[0])
			}
		})
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("refused writes left %s rows", got)
	}
}

func TestAnswerGivenUp(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int); CREATE FUNCTION write(int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES ($1) RETURNING id'")
	db := open(t, url)
	const may = "what the statement wrote, if anything, may or may not have been committed"
	const nothing = "bytes: nothing was changed"
	for _, test := range []struct {
		sql  string
		call postgres.Call
		says string
	}{
		{"SELECT write(1), repeat('x', 5000000)", postgres.Call{Write: true, Together: true}, may},
		{"INSERT INTO t VALUES (2) RETURNING repeat('x', 5000000)", postgres.Call{Write: true}, nothing},
		{"DO $$ BEGIN INSERT INTO t VALUES (2); FOR i IN 1..5000 LOOP RAISE NOTICE '%', repeat('x', 1000); END LOOP; END $$",
			postgres.Call{Write: true}, "of notices: nothing was changed"},
		{"COPY (INSERT INTO t VALUES (2) RETURNING 1) TO STDOUT", postgres.Call{Write: true}, "in a tool call: nothing was changed"},
		{"INSERT INTO t VALUES (2) RETURNING repeat('x', 5000000)", postgres.Call{Write: true, Together: true, MaxAffected: 1}, nothing},
		{"INSERT INTO t VALUES (2) RETURNING repeat('x', 5000000)", postgres.Call{Write: true, Rollback: true}, "bytes (SQLSTATE"},
		{"SELECT repeat('x', 5000000)", postgres.Call{}, "bytes (SQLSTATE"},
	} {
		test.call.SQL = test.sql
		if _, err := db.Run(t.Context(), test.call, &rows{}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("Run(%s) = %v, want %q in it", test.sql, err, test.says)
		}
		run(t, db, postgres.Call{SQL: "SELECT 1"})
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM t WHERE id = 2"); got != "0" {
		t.Errorf("a write that was not committed left %s rows", got)
	}
}

func TestErrorTextIsShort(t *testing.T) {
	db := open(t, pgtest.URL(t))
	for _, sizes := range [][2]int{{100_000, 100_000}, {300, 100_000}, {995, 995}, {100, 200}} {
		sql := fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION '%%', repeat('é', %d) USING HINT = repeat('h', %d); END $$", sizes[0], sizes[1])
		_, err := db.Run(t.Context(), postgres.Call{SQL: sql}, &rows{})
		var e *postgres.Error
		if !errors.As(err, &e) || len(e.Message)+len(e.Hint) > 1000 || !utf8.ValidString(e.Message) {
			t.Errorf("%d and %d characters are the error %v", sizes[0], sizes[1], err)
		}
	}
}

func TestSinkStops(t *testing.T) {
	db := open(t, pgtest.URL(t))
	for _, sql := range []string{
		"SELECT generate_series(1, 1000)",
		"SELECT generate_series(1, 1000000000)",
		"SELECT repeat('x', 100000), generate_series(1, 1000000)",
		"SELECT i, pg_sleep(0.01) FROM generate_series(1, 100000) i",
	} {
		sink := &rows{limit: 5}
		start := time.Now()
		out, err := db.Run(t.Context(), postgres.Call{SQL: sql, MaxRows: 100_000}, sink)
		if err != nil || !out.More || out.Rows != 5 {
			t.Errorf("Run(%q) = %+v, %v; want 5 rows and more", sql, out, err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("Run(%q) took %v: it read everything", sql, d)
		}
		run(t, db, postgres.Call{SQL: "SELECT 1"})
	}
}

// TestPanicKeepsNoConnection: a sink that panics takes no connection away from the pool.
func TestPanicKeepsNoConnection(t *testing.T) {
	db := open(t, pgtest.URL(t))
	for range 30 {
		func() {
			defer func() { _ = recover() }()
			_, _ = db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, panicking{})
			t.Error("the sink has not panicked")
		}()
	}
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

type panicking struct{}

func (panicking) Columns([]postgres.Column) {}
func (panicking) Row([][]byte) bool         { panic("no") }

func TestCancel(t *testing.T) {
	url := pgtest.URL(t)
	db := open(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := db.Run(ctx, postgres.Call{SQL: "SELECT pg_sleep(600) -- cancelled"}, &rows{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	const running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%-- cancelled' AND state = 'active'"
	if got := pgtest.Value(t, url, running); got != "0" {
		t.Errorf("%s statements are still running, want 0", got)
	}
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

func TestCancellationIgnored(t *testing.T) {
	url := pgtest.URL(t)
	db := open(t, url)
	const deaf = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$ -- deaf"
	_, err := db.Run(t.Context(), postgres.Call{SQL: deaf, Timeout: 200 * time.Millisecond, Write: true, Untrusted: true}, &rows{})
	if e := (*postgres.Error)(nil); !errors.As(err, &e) || e.Code != "57014" {
		t.Errorf("Run = %v, want 57014", err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := pgtest.Value(t, url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%-- deaf' AND pid <> pg_backend_pid()")
		if left == "0" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the statement still runs")
		}
	}
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

func TestMemoryStaysSmall(t *testing.T) {
	db := open(t, pgtest.URL(t))
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	for _, sql := range []string{"SELECT repeat('x', 1000000000)", "SELECT repeat('x', 200000000)::int", "SELECT repeat('x', 3500000) FROM generate_series(1, 1000)"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := db.Run(t.Context(), postgres.Call{SQL: sql, MaxRows: 100}, &rows{limit: 1})
		runtime.ReadMemStats(&after)
		if grown := after.Sys - before.Sys; grown > 32<<20 {
			t.Errorf("%s: the process grew by %d MiB, want less than 32 (error %v)", sql, grown>>20, err)
		}
	}
}

func TestNothingCrossesCalls(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE SCHEMA other; CREATE SEQUENCE s")
	one := func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 }
	tests := []struct{ leave, look, want string }{
		{"SET statement_timeout = 0", "SELECT current_setting('work_mem') <> ''", "[true]"},
		{"SET search_path = other", "SELECT current_schema()", `["public"]`},
		{"SELECT set_config('myapp.x', 'leak', false)", "SELECT coalesce(current_setting('myapp.x', true), '')", `[""]`},
		{"CREATE TEMP TABLE leak AS SELECT 1", "SELECT to_regclass('pg_temp.leak')::text", `[null]`},
		{"SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", `[0]`},
		{"PREPARE leak AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements WHERE name = 'leak'", `[0]`},
		{"LISTEN leak", "SELECT count(*) FROM pg_listening_channels()", `[0]`},
		{"DECLARE leak CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors WHERE name = 'leak'", `[0]`},
		{"SET ROLE pg_monitor", "SELECT current_user = session_user", `[true]`},
		{"SELECT setseed(0.5)", "SELECT random()::text = '0.9851677175347999'", "[false]"},
		{"COMMIT", "SELECT pg_current_xact_id_if_assigned() IS NULL", `[true]`},
		{"BEGIN", "SELECT pg_current_xact_id_if_assigned() IS NULL", `[true]`},
		{"DEALLOCATE ALL", "SELECT 1", `[1]`},
		{"DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; EXECUTE 'PREPARE mcp_begin_read AS SELECT 1'; END $$", "SELECT current_setting('transaction_read_only')", `["on"]`},
		{"DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; EXECUTE 'PREPARE mcp_settings_0 (text, text, text, text) AS SELECT 1'; END $$",
			"SELECT current_setting('statement_timeout')", `["30s"]`},
	}
	for _, write := range []bool{false, true} {
		db := open(t, url, one)
		for _, test := range tests {
			_, err := db.Run(t.Context(), postgres.Call{SQL: test.leave, Untrusted: true, Write: write}, &rows{})
			if e := (*postgres.Error)(nil); err != nil && (write || !errors.As(err, &e)) {
				t.Errorf("Run(%q) = %v", test.leave, err)
			}
			got, _ := run(t, db, postgres.Call{SQL: test.look, Untrusted: true})
			if got.json[0] != test.want {
				t.Errorf("after %s (write %v): %s = %s, want %s", test.leave, write, test.look, got.json[0], test.want)
			}
		}
	}
}

// TestNothingCrossesAnError: what a statement did before it failed is thrown away too, and the connection is kept.
func TestNothingCrossesAnError(t *testing.T) {
	db := open(t, pgtest.URL(t), func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	before, _ := run(t, db, postgres.Call{SQL: "SELECT pg_backend_pid()"})
	for _, write := range []bool{false, true} {
		call := postgres.Call{SQL: "SELECT pg_advisory_lock(42), 1 / (random() * 0)::int", Untrusted: true, Write: write}
		if _, err := db.Run(t.Context(), call, &rows{}); err == nil {
			t.Fatalf("Run(%q) gives no error", call.SQL)
		}
		got, _ := run(t, db, postgres.Call{SQL: "SELECT pg_backend_pid()"})
		locks, _ := run(t, db, postgres.Call{SQL: "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"})
		if got.json[0] != before.json[0] || locks.json[0] != "[0]" {
			t.Errorf("after an error (write %v): connection %s with %s locks, want %s with none", write, got.json[0], locks.json[0], before.json[0])
		}
	}
}

func TestStalePlan(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
	db := open(t, url, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	call := postgres.Call{SQL: "SELECT * FROM t", Prepare: true}
	run(t, db, call)
	pgtest.Exec(t, url, "ALTER TABLE t ADD COLUMN name text DEFAULT 'x'")
	if got, _ := run(t, db, call); got.json[0] != `[1,"x"]` {
		t.Errorf("after ALTER TABLE: %s, want [1,\"x\"]", got.json[0])
	}
}

func TestDeadConnection(t *testing.T) {
	url := pgtest.URL(t)
	db := open(t, url)
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	for _, write := range []bool{false, true} {
		pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-postgres' AND datname = current_database()")
		for range 4 { // a write is tried again where the server had ended the connection before it saw the call
			run(t, db, postgres.Call{SQL: "SELECT 1", Write: write, Untrusted: write})
		}
	}

	_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT pg_terminate_backend(pg_backend_pid())", Write: true}, &rows{})
	var e *postgres.Error
	if !errors.As(err, &e) || e.Code != "08006" || !strings.HasSuffix(e.Message, "nothing was changed") || !e.Retryable {
		t.Errorf("a write whose connection dies before its COMMIT = %v, want 08006 and that nothing was changed", err)
	}
}

// TestManyPools: a pool for each of many roles costs nothing before its first call.
func TestManyPools(t *testing.T) {
	url := pgtest.URL(t)
	var dbs []*postgres.DB
	for range 100 {
		dbs = append(dbs, open(t, url, func(c *postgres.Config) { c.MinConns = -1 }))
	}
	run(t, dbs[0], postgres.Call{SQL: "SELECT 1"})
	const count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mcp-postgres'"
	if got := pgtest.Value(t, url, count); got != "1" {
		t.Errorf("100 pools of which one was used have %s connections, want 1", got)
	}
}

func TestNoDatabase(t *testing.T) {
	if _, err := open(t, "").Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{}); !errors.Is(err, postgres.ErrNoDatabase) {
		t.Errorf("Run without a database = %v, want ErrNoDatabase", err)
	}
}

func TestDatabaseDownAndBack(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	db := open(t, c.URL())
	var down *postgres.Unavailable
	if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{}); !errors.As(err, &down) {
		t.Errorf("Run with the database down = %v, want Unavailable", err)
	}
	for range 2 { // the second round starts with connections that die
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		run(t, db, postgres.Call{SQL: "SELECT 1"})
		if err := c.Halt(); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{}); !errors.As(err, &down) {
			t.Errorf("Run with the database gone = %v, want Unavailable", err)
		}
	}
}

func TestConnectionStrings(t *testing.T) {
	const (
		scheme  = "it begins neither with postgres:// nor with postgresql://"
		coded   = "must be percent-encoded in names and passwords: @ is %40"
		want    = "want postgres://user:password@host:port/database or keyword=value pairs"
		sslmode = "sslmode is not one of disable, allow, prefer, require, verify-ca and verify-full"
	)
	tests := []struct{ url, want string }{
		{"postgres://u:s3cret@h:port/db", "the port is not a number from 1 to 65535: " + want},
		{"postgres://u:s3cret@h/db?sslmode=nope", sslmode},
		{"postgres://u:s3cret@h/db?default_query_exec_mode=simple_protocol", "simple_protocol is refused"},
		{"s3cret", want},
		{"mysql://app:s3cret@db/shop", scheme},
		{"jdbc:mysql://db/shop?user=app&password=s3cret", scheme},
		{"s3cret://app@db/shop", scheme},
		{"DATABASE_URL=postgresql://app:s3cret@db/shop?sslmode=disable", "write the URL alone"},
		{"host=postgresql://app:s3cret@db/shop", "write the URL alone"},
		{"${DATABASE_URL}", "placeholder that nothing has filled in"},
		{" \n", "it is blank"},
		{`"postgres://app:s3cret@db/shop`, want},
		{"host=db;user=app;password=s3cret", "the pairs are separated by semicolons"},
		{"postgres://app:p@s3cret@db/shop", coded},
		{"postgres://app:p/s3cret@db/shop", coded},
		{"postgres://app:s3cret%zz@db/shop", coded},
		{"postgres://app:s3 cret@db/shop", coded},
		{"host=app:s3cret@db", "the host is no name or address"},
		{"postgres://app:s3cret@db/shop?socketTimeout=3&timeout=10&server=x&pgbouncer=true&schema=sales",
			"parameters that can't be used: server (write host), socketTimeout (write --statement-timeout-ms), timeout (write connect_timeout)"},
		{"postgres://app:s3cret@db/shop?sslcrl=a.pem&gssencmode=require&shared_buffers=1&mcp.tenant=7&sslaccept=perhaps",
			"gssencmode (remove it: connections are encrypted by TLS, not by GSSAPI), shared_buffers, sslaccept (write sslmode=disable, require or verify-full), " +
				"sslcrl (remove it: lists of revoked certificates are not read); a setting that only"},
		{"postgres://app:s3cret@db/shop?pgbouncer=perhaps&connection_limit=many", "connection_limit (write --pool-max), pgbouncer (write true or false)"},
		{"host=a,b hostaddr=10.0.0.1,10.0.0.2 password=s3cret", "hostaddr (write host)"},
		{"postgres://app:s3cret@db/shop?requirepeer=postgres&replication=database&ssl_min_protocol_version=TLSv1.3", "replication (remove it), requirepeer (remove it:"},
		{"postgres://app@db/shop?password=x&s3cret=y&username=sales", "username (write user), 1 not repeated here, for they may be a part of a password"},
		{"postgres://app@db/shop?app:s3cret@x=y", "1 not repeated here"},
	}
	for _, test := range tests {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: test.url})
		if err == nil || !strings.HasPrefix(err.Error(), "connection string: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open(%q) = %v, want %q and no secret", test.url, err, test.want)
		}
	}
}

// What PostgreSQL lets a start-up packet set is no unknown parameter. One that a later release has goes by options.
func TestSettingsOfSessions(t *testing.T) {
	names := strings.Fields(pgtest.Value(t, pgtest.URL(t), "SELECT string_agg(name, ' ') FROM pg_settings "+
		"WHERE context IN ('user', 'superuser', 'backend', 'superuser-backend') AND name NOT LIKE '%.%'"))
	const place = "postgres://nobody@127.0.0.1:1/x?"
	var later []string
	for _, name := range names {
		db, err := postgres.Open(t.Context(), postgres.Config{URL: place + name + "=1", MinConns: -1})
		if err == nil {
			db.Close()
			continue
		}
		later = append(later, name)
		open(t, place+"options=-c%20"+name+"%3D1", func(c *postgres.Config) { c.MinConns = -1 })
	}
	if len(names) < 100 || len(later) > len(names)/20 {
		t.Errorf("of %d settings of the server these are not known: %v, want those alone that a release after this one brought", len(names), later)
	}
}

// TestThen: statements of one call share a transaction and a snapshot of its identity, which none of them changes for
// the next.
func TestThen(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int); CREATE TYPE mood AS ENUM ('fine')")
	db := open(t, url)
	call := func(write bool, statements ...string) (got []string, err error) {
		sinks := make([]rows, len(statements))
		c := postgres.Call{SQL: statements[0], Untrusted: true, Write: write, Identity: &postgres.SessionIdentity{SearchPath: "public", Sub: "ann"}}
		answer := func(i int) func(postgres.Outcome) error {
			return func(out postgres.Outcome) error {
				got = append(got, strings.Join(sinks[i].json, " ")+" "+out.Command)
				return nil
			}
		}
		c.Answer = answer(0)
		for i, sql := range statements[1:] {
			c.Then = append(c.Then, postgres.Then{SQL: sql, Sink: &sinks[i+1], Answer: answer(i + 1)})
		}
		_, err = db.Run(t.Context(), c, &sinks[0])
		return got, err
	}
	for _, c := range []struct {
		statements []string
		write      bool
		want       []string
		code       string
		statement  int
	}{
		{[]string{"SELECT set_config('search_path', 'pg_catalog', true), set_config('mcp.sub', 'eve', true)", "SELECT current_setting('search_path'), current_setting('mcp.sub')"}, false,
			[]string{`["pg_catalog","eve"] SELECT`, `["public","ann"] SELECT`}, "", 0},
		{[]string{"SELECT 1", "SELECT 'fine'::mood", "SELECT 3"}, false, []string{"[1] SELECT", `["fine"] SELECT`, "[3] SELECT"}, "", 0},
		{[]string{"SELECT 1", "SELECT 1 / 0", "SELECT 3"}, false, []string{"[1] SELECT"}, "22012", 1},
		{[]string{"INSERT INTO t VALUES (1)", "SELECT id FROM t"}, true, []string{" INSERT", "[1] SELECT"}, "", 0},
		{[]string{"INSERT INTO t VALUES (2)", "SELECT id FROM t", "SELECT 1 / 0"}, true, []string{" INSERT", "[1] [2] SELECT"}, "22012", 2},
		{[]string{"SELECT count(*) FROM t", "INSERT INTO t VALUES (3)"}, false, []string{"[1] SELECT"}, "25006", 1},
	} {
		got, err := call(c.write, c.statements...)
		var e *postgres.Error
		if errors.As(err, &e); c.code != "" && (e == nil || e.Code != c.code || e.Statement != c.statement) || c.code == "" && err != nil {
			t.Errorf("%v: %v, want %s of statement %d", c.statements, err, c.code, c.statement)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.statements, diff)
		}
	}
}

// TestCanceledByOthers has calls canceled by a request that is not theirs, as one that comes late through a pooler is.
func TestCanceledByOthers(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (a int)")
	db := open(t, url)
	const once = "SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77) AND pg_try_advisory_lock(77) " +
		"THEN pg_cancel_backend(pg_backend_pid()) END, pg_sleep(0.01)::text"
	if got, _ := run(t, db, postgres.Call{SQL: once}); len(got.json) != 1 || got.json[0] != `[null,""]` {
		t.Errorf("a read that is canceled once gives %v, want that it is tried again", got.json)
	}
	for _, test := range []struct {
		name  string
		call  postgres.Call
		count string
	}{
		{"a read that is canceled twice", postgres.Call{SQL: "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)"}, "0"},
		{"a write", postgres.Call{Write: true, SQL: "INSERT INTO t SELECT 1 FROM (SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)) AS x"}, "0"},
	} {
		_, err := db.Run(t.Context(), test.call, &rows{})
		var e *postgres.Error
		if !errors.As(err, &e) || e.Code != "57014" || !e.Retryable || !strings.Contains(e.Message, "not by its time limit: nothing was changed") {
			t.Errorf("%s: %v, want that somebody else canceled it", test.name, err)
		}
		if got := pgtest.Value(t, url, "SELECT count(*) FROM t"); got != test.count {
			t.Errorf("%s: the table has %s rows, want %s", test.name, got, test.count)
		}
	}
}
