package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// everyParameter lets PgBouncer take, and forget, all that it does not know.
var everyParameter = map[string]string{
	"ignore_startup_parameters": "extra_float_digits,bytea_output,intervalstyle,jit,search_path,work_mem",
}

// pooled gives a database twice: directly and through PgBouncer.
func pooled(t *testing.T, settings map[string]string) (direct, through string) {
	t.Helper()
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{
		"bytea_output": "escape", "intervalstyle": "iso_8601", "datestyle": "SQL, DMY", "timezone": "Asia/Tokyo", "extra_float_digits": "-3",
	}})
	return c.AdminURL(), pgtest.PgBouncer(t, c, settings)
}

func TestPooler(t *testing.T) {
	for name, settings := range map[string]map[string]string{"refuses parameters": nil, "ignores parameters": everyParameter} {
		t.Run(name, func(t *testing.T) {
			direct, through := pooled(t, settings)
			pgtest.Exec(t, direct, "CREATE TABLE t (id int PRIMARY KEY, name text); CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE TYPE pair AS (a int, m mood)")
			log := &lines{}
			db := open(t, through, log.into)
			for i, test := range []struct {
				call postgres.Call
				want []string
			}{
				{postgres.Call{SQL: "SELECT 1"}, []string{"[1]"}},
				{postgres.Call{SQL: "SELECT $1::int + 1", Args: texts("1"), Prepare: true}, []string{"[2]"}},
				{postgres.Call{SQL: "SELECT $1::int + 1", Args: texts("2"), Prepare: true}, []string{"[3]"}},
				{postgres.Call{SQL: "SELECT $1::int + 1", Args: texts("3"), Prepare: true}, []string{"[4]"}},
				{postgres.Call{SQL: `SELECT '\x41'::bytea, interval '1 day 2 hours', timestamptz '2024-01-31 00:00Z', 0.1::float8, current_setting('jit')`},
					[]string{`["QQ==","1 day 02:00:00","2024-01-31T00:00:00+00:00",0.1,"off"]`}},
				{postgres.Call{SQL: "INSERT INTO t VALUES (1, 'a'), (2, 'b') RETURNING id", Write: true}, []string{"[1]", "[2]"}},
				{postgres.Call{SQL: "UPDATE t SET name = 'c' WHERE id = 2 RETURNING name", Write: true, Untrusted: true, MaxAffected: 1}, []string{`["c"]`}},
				{postgres.Call{SQL: "SELECT 'fine'::mood, ROW(1, 'sad')::pair, ARRAY['sad', 'fine']::mood[]", Untrusted: true},
					[]string{`["fine","(1,sad)",["sad","fine"]]`}},
				{postgres.Call{SQL: "SELECT id FROM t WHERE id = ANY ($1) AND 'sad' = ANY ($2::mood[])", Untrusted: true, Bind: arrays("{1,2}", "{sad}")},
					[]string{"[1]", "[2]"}},
			} {
				got, _ := run(t, db, test.call)
				if diff := cmp.Diff(test.want, got.json); diff != "" {
					t.Errorf("call %d, %s (-want +got):\n%s", i, test.call.SQL, diff)
				}
			}
			if n := strings.Count(log.String(), "connection pooler found"); n != 1 {
				t.Errorf("the pooler is logged %d times, want once:\n%s", n, log.String())
			}
			d, err := db.Describe(t.Context(), "SELECT id, 'sad'::mood AS m FROM t WHERE name = $1")
			if err != nil || len(d.Params) != 1 || len(d.Columns) != 2 || d.Columns[1].Type.Labels[0] != "sad" {
				t.Errorf("Describe = %+v, %v", d, err)
			}
		})
	}
}

// arrays gives the arguments of a call only when their types are known.
func arrays(values ...string) func([]*postgres.Type) ([][]byte, error) {
	return func(types []*postgres.Type) ([][]byte, error) {
		for _, typ := range types {
			if typ.Kind != postgres.Array {
				return nil, fmt.Errorf("type %s, want an array", typ.Name)
			}
		}
		return texts(values...), nil
	}
}

func TestPoolerErrors(t *testing.T) {
	direct, through := pooled(t, nil)
	pgtest.Exec(t, direct, "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
	db := open(t, through)
	tests := []struct {
		code string
		call postgres.Call
	}{
		{"42601", postgres.Call{SQL: "SELEC 1"}},
		{"42601", postgres.Call{SQL: "SELECT 1; SELECT 2"}},
		{"25006", postgres.Call{SQL: "INSERT INTO parent VALUES (1)"}},
		{"22P02", postgres.Call{SQL: "SELECT $1::int", Args: texts("x")}},
		{"0A000", postgres.Call{SQL: "COPY parent FROM STDIN", Write: true}},
		{"23503", postgres.Call{SQL: "INSERT INTO child VALUES (1)", Write: true}},
		{"54000", postgres.Call{SQL: "INSERT INTO parent SELECT generate_series(1, 3)", Write: true, MaxAffected: 2}},
		{"54000", postgres.Call{SQL: "SELECT repeat('x', 100000000)"}},
		{"57014", postgres.Call{SQL: "SELECT pg_sleep(60)", Timeout: 100 * time.Millisecond}},
	}
	for _, test := range tests {
		for _, foreign := range []bool{false, true} {
			test.call.Untrusted = foreign
			_, err := db.Run(t.Context(), test.call, &rows{})
			if e := (*postgres.Error)(nil); !errors.As(err, &e) || e.Code != test.code {
				t.Errorf("Run(%q, foreign %v) = %v, want %s", test.call.SQL, foreign, err, test.code)
			}
			if got, _ := run(t, db, postgres.Call{SQL: "SELECT 1"}); got.json[0] != "[1]" {
				t.Errorf("the next call gives %s, want [1]", got.json[0])
			}
		}
	}
	if got := pgtest.Value(t, direct, "SELECT (SELECT count(*) FROM parent) + (SELECT count(*) FROM child)"); got != "0" {
		t.Errorf("refused writes left %s rows", got)
	}
	awaitIdle(t, direct)
}

// awaitIdle waits until no statement of a pooler runs any more.
func awaitIdle(t *testing.T, direct string) {
	t.Helper()
	const busy = "SELECT string_agg(query, '; ') FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()"
	for end := time.Now().Add(15 * time.Second); pgtest.Value(t, direct, busy) != ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still at work: %s", pgtest.Value(t, direct, busy))
		}
	}
}

func TestPoolerLimitsAndCancel(t *testing.T) {
	direct, through := pooled(t, nil)
	db := open(t, through)
	out, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT generate_series(1, 1000000000)", MaxRows: 10, Untrusted: true}, &rows{})
	if err != nil || out.Rows != 10 || !out.More {
		t.Errorf("Run of a billion rows = %+v, %v; want 10 and more", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := db.Run(ctx, postgres.Call{SQL: "SELECT pg_sleep(600)", Untrusted: true}, &rows{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	const deaf = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"
	_, err = db.Run(t.Context(), postgres.Call{SQL: deaf, Timeout: 200 * time.Millisecond, Write: true, Untrusted: true}, &rows{})
	if e := (*postgres.Error)(nil); !errors.As(err, &e) || e.Code != "57014" {
		t.Errorf("Run of a deaf statement = %v, want 57014", err)
	}
	awaitIdle(t, direct)
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

func TestPoolerNothingCrossesCalls(t *testing.T) {
	direct, through := pooled(t, map[string]string{"default_pool_size": "1"})
	pgtest.Exec(t, direct, "CREATE SCHEMA other; CREATE SEQUENCE s; CREATE TABLE parent (id int PRIMARY KEY); "+
		"CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
	tests := []struct{ leave, look, want string }{
		{"SET search_path = other", "SELECT current_schema()", `["public"]`},
		{"SELECT set_config('myapp.x', 'leak', false)", "SELECT coalesce(current_setting('myapp.x', true), '')", `[""]`},
		{"SET bytea_output = escape", "SELECT current_setting('bytea_output')", `["hex"]`},
		{"CREATE TEMP TABLE leak AS SELECT 1", "SELECT to_regclass('pg_temp.leak')::text", `[null]`},
		{"SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", `[0]`},
		{"SELECT pg_advisory_lock(42), 1 / (SELECT 0)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", `[0]`},
		{"WITH x AS (INSERT INTO child VALUES (1)) SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", `[0]`},
		{"PREPARE leak AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements", `[0]`},
		{`PREPARE "leak ""2" AS SELECT 1`, "SELECT count(*) FROM pg_prepared_statements", `[0]`},
		{"LISTEN leak", "SELECT count(*) FROM pg_listening_channels()", `[0]`},
		{"DECLARE leak CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors WHERE name = 'leak'", `[0]`},
		{"SET ROLE pg_monitor", "SELECT current_user = session_user", `[true]`},
		{"SELECT setseed(0.5)", "SELECT random()::text = '0.9851677175347999'", "[false]"},
		{"COMMIT", "SELECT current_setting('transaction_read_only')", `["on"]`},
		{"ROLLBACK", "SELECT pg_current_xact_id_if_assigned() IS NULL", `[true]`},
	}
	for _, write := range []bool{false, true} {
		db := open(t, through)
		for _, test := range tests {
			_, err := db.Run(t.Context(), postgres.Call{SQL: test.leave, Untrusted: true, Write: write}, &rows{})
			if e := (*postgres.Error)(nil); err != nil && !errors.As(err, &e) {
				t.Errorf("Run(%q) = %v", test.leave, err)
			}
			if got, _ := run(t, db, postgres.Call{SQL: test.look, Untrusted: true}); got.json[0] != test.want {
				t.Errorf("after %s (write %v): %s = %s, want %s", test.leave, write, test.look, got.json[0], test.want)
			}
		}
	}
}

func TestPoolerConcurrently(t *testing.T) {
	direct, through := pooled(t, everyParameter)
	pgtest.Exec(t, direct, "CREATE TABLE t (worker int, n int)")
	db := open(t, through)
	const workers, rounds = 8, 40
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for n := range rounds {
				w, i := strconv.Itoa(worker), strconv.Itoa(n)
				for sql, c := range map[string]postgres.Call{
					"SELECT $1::int * 1000 + $2::int":                                                {Args: texts(w, i), Prepare: true},
					"SELECT count(*) FROM generate_series(1, $1::int) WHERE 1 = ANY ($2::int[])":     {Args: texts(i, "{1}"), Untrusted: true},
					"INSERT INTO t VALUES ($1::int, $2::int)":                                        {Args: texts(w, i), Prepare: true, Write: true},
					"SET statement_timeout = 9999":                                                   {Untrusted: true, Write: true},
					"SELECT current_setting('statement_timeout') || current_setting('bytea_output')": {},
				} {
					c.SQL = sql
					got := &rows{}
					if _, err := db.Run(t.Context(), c, got); err != nil {
						t.Errorf("Run(%q) = %v", sql, err)
					} else if strings.Contains(sql, "current_setting") && got.json[0] != `["30shex"]` {
						t.Errorf("settings = %s, want 30s and hex", got.json[0])
					}
				}
			}
		})
	}
	wg.Wait()
	want := strconv.Itoa(workers * rounds)
	if got := pgtest.Value(t, direct, "SELECT count(DISTINCT (worker, n)) FROM t"); got != want {
		t.Errorf("%s rows were written, want %s", got, want)
	}
}

func TestPoolerKeepsParameters(t *testing.T) {
	direct, through := pooled(t, nil)
	pgtest.Exec(t, direct, "CREATE SCHEMA other")
	const words = "&search_path=other&timezone=Europe/Berlin&options=-c%20work_mem%3D5MB%20--jit%3Don&pgbouncer=true"
	const settings = "SELECT current_schema(), current_setting('TimeZone'), current_setting('work_mem'), current_setting('jit')"
	const want = `["other","Europe/Berlin","5MB","on"]`
	db, same := open(t, through+words), open(t, direct+words)
	for range 3 {
		for _, db := range []*postgres.DB{db, same} {
			if got, _ := run(t, db, postgres.Call{SQL: settings}); got.json[0] != want {
				t.Errorf("settings = %s, want %s", got.json[0], want)
			}
		}
	}
}

// Behind a pooler the settings of the connection string come with each call; one that is refused is no matter of the
// call.
func TestRefusedSettingBehindAPooler(t *testing.T) {
	url := pgtest.URL(t)
	for params, want := range map[string]string{
		"options=-c%20connection_limit%3D1": `: unrecognized configuration parameter "connection_limit" (SQLSTATE 42704)`,
		"timezone=Europe/Berln":             `: invalid value for parameter "TimeZone": "Europe/Berln" (SQLSTATE 22023)`,
		"work_mem=app:s3cret@h":             " (SQLSTATE 22023)",
	} {
		want = "the database refuses a setting of the connection string, which only its operator can change" + want
		db := open(t, url+"&"+params+"&pgbouncer=true")
		_, described := db.Describe(t.Context(), "SELECT 1")
		_, ran := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
		_, bound := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Bind: func([]*postgres.Type) ([][]byte, error) { return nil, nil }}, &rows{})
		for how, err := range map[string]error{"Describe": described, "Run": ran, "Run with Bind": bound} {
			var down *postgres.Unavailable
			if !errors.As(err, &down) || down.Reason != want {
				t.Errorf("%s with %s = %v, want Unavailable: %s", how, params, err, want)
			}
		}
	}
}
