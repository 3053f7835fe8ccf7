package postgres_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestPoolerFoundByItsMistakes has prepared statements come and go, as behind a pooler that shows no other sign: forget
// removes all of ours, in the middle of a call.
func TestPoolerFoundByItsMistakes(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE t (id int);
CREATE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$;
CREATE FUNCTION occupy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; EXECUTE 'PREPARE mcp_begin_write AS SELECT 1'; RETURN 1; END $$`)
	read := postgres.Call{SQL: "SELECT 1", Prepare: true}
	write := postgres.Call{SQL: "INSERT INTO t VALUES (1)", Prepare: true, Write: true}
	for name, m := range map[string]mistake{
		"read after a read":       {[]postgres.Call{read}, postgres.Call{SQL: "SELECT forget()"}, read, ""},
		"write after a read":      {[]postgres.Call{read, write}, postgres.Call{SQL: "SELECT forget()"}, write, ""},
		"a name that is taken":    {[]postgres.Call{read}, postgres.Call{SQL: "SELECT occupy()"}, write, ""},
		"write that can't commit": {[]postgres.Call{write}, postgres.Call{SQL: "INSERT INTO t SELECT forget()", Write: true}, write, "40001"},
	} {
		t.Run(name, func(t *testing.T) { m.check(t, url) })
	}
}

// mistake is a call that loses prepared statements, those before it and one after it, which must work.
type mistake struct {
	before []postgres.Call
	leave  postgres.Call
	then   postgres.Call
	code   string // of leave
}

func (m mistake) check(t *testing.T, url string) {
	pgtest.Exec(t, url, "TRUNCATE t")
	log := &lines{}
	db := open(t, url, log.into, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	want := 0
	for _, c := range append(m.before, m.leave, m.then) {
		_, err := db.Run(t.Context(), c, &rows{})
		e := (*postgres.Error)(nil)
		switch {
		case err == nil && c.Write:
			want++
		case err != nil && (c.SQL != m.leave.SQL || !errors.As(err, &e) || e.Code != m.code || !e.Retryable):
			t.Errorf("Run(%q) = %v, want code %q, retryable", c.SQL, err, m.code)
		}
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM t"); got != strconv.Itoa(want) {
		t.Errorf("%s rows, want %d", got, want)
	}
	if !strings.Contains(log.String(), "connection pooler found") {
		t.Errorf("no pooler found:\n%s", log.String())
	}
}

// TestNoPoolerFound has callers try to look like one.
func TestNoPoolerFound(t *testing.T) {
	log := &lines{}
	db := open(t, pgtest.URL(t), log.into, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	run(t, db, postgres.Call{SQL: "SELECT 1", Prepare: true})
	for _, sql := range []string{
		"EXECUTE mcp_none", "DEALLOCATE mcp_none", "DEALLOCATE ALL", "PREPARE mcp_begin_read AS SELECT 1",
		`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '26000', MESSAGE = '"mcp_x"'; END $$`,
	} {
		for _, write := range []bool{false, true} {
			_, _ = db.Run(t.Context(), postgres.Call{SQL: sql, Untrusted: true, Write: write}, &rows{})
			run(t, db, postgres.Call{SQL: "SELECT 1", Prepare: true})
		}
	}
	if strings.Contains(log.String(), "pooler") {
		t.Errorf("a pooler was found:\n%s", log.String())
	}
}

func TestSimpleProtocolRefused(t *testing.T) {
	for _, params := range []string{"default_query_exec_mode=simple_protocol", "prefer_simple_protocol=true", "prefer_simple_protocol=perhaps"} {
		name, _, _ := strings.Cut(params, "=")
		_, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://h/db?" + params})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Open with %s = %v, want it refused", params, err)
		}
	}
	c := pgtest.NewCluster(t, demo.Config{})
	run(t, open(t, c.URL()+"&prefer_simple_protocol=false"), postgres.Call{SQL: "SELECT 1"})
}
