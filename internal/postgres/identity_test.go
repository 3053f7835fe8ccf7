package postgres_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// identified gives a database, directly or through PgBouncer, with two schemas that have a table of the same name, and
// a role that may read the one of app.
func identified(t *testing.T, pooled bool) string {
	t.Helper()
	c := pgtest.NewCluster(t, demo.Config{})
	direct := c.AdminURL()
	pgtest.Exec(t, direct, `CREATE SCHEMA app; CREATE TABLE app.t (id int); INSERT INTO app.t VALUES (1);
		CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (2);
		CREATE ROLE reader; GRANT USAGE ON SCHEMA app TO reader; GRANT SELECT ON app.t TO reader`)
	if !pooled {
		return direct
	}
	return pgtest.PgBouncer(t, c, map[string]string{"default_pool_size": "1"})
}

const whoAmI = "SELECT current_user, session_user = current_user, current_schemas(false)::text, " +
	"current_setting('request.jwt.claims', true), current_setting('mcp.sub', true), current_setting('mcp.role', true)"

func TestIdentity(t *testing.T) {
	alice := &postgres.SessionIdentity{SearchPath: "app", Claims: `{"sub":"alice"}`, Sub: "alice", Role: "analyst", DatabaseRole: "reader"}
	plain := &postgres.SessionIdentity{SearchPath: `app, "public"`, Claims: `{}`, Sub: `b"o'b\`, Role: "r"}
	kept := &postgres.SessionIdentity{KeepPath: true, SearchPath: "app", Claims: "{}", Sub: "k", Role: "r"}
	const (
		isAlice = `["reader",false,"{app}","{\"sub\":\"alice\"}","alice","analyst"]`
		isPlain = `["postgres",true,"{app,public}","{}","b\"o'b\\","r"]`
		isNone  = `["postgres",true,"{public}","","",""]`
	)
	for _, pooled := range []bool{false, true} {
		db := open(t, identified(t, pooled), func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
		run(t, db, postgres.Call{SQL: "SELECT 1", Identity: plain}) // the settings have a value from now on
		for i, test := range []struct {
			call postgres.Call
			code string
			want string
		}{
			{postgres.Call{SQL: whoAmI, Identity: alice}, "", isAlice},
			{postgres.Call{SQL: whoAmI}, "", isNone},
			{postgres.Call{SQL: whoAmI, Identity: plain, Prepare: true}, "", isPlain},
			{postgres.Call{SQL: whoAmI, Identity: alice, Prepare: true}, "", isAlice},
			{postgres.Call{SQL: whoAmI, Identity: plain, Untrusted: true, ProvenClean: true}, "", isPlain},
			{postgres.Call{SQL: "SELECT id FROM t", Identity: alice, Untrusted: true}, "", "[1]"},
			{postgres.Call{SQL: "SELECT id FROM t", Untrusted: true}, "", "[2]"},
			{postgres.Call{SQL: "SELECT id FROM t WHERE id = ANY ($1)", Bind: arrays("{1,2}"), Identity: alice, Untrusted: true}, "", "[1]"},
			{postgres.Call{SQL: "SELECT id FROM public.t", Identity: alice, Untrusted: true}, "42501", ""},
			{postgres.Call{SQL: "INSERT INTO app.t VALUES (3)", Identity: alice, Untrusted: true, Write: true}, "42501", ""},
			{postgres.Call{SQL: "INSERT INTO t VALUES (4) RETURNING id", Identity: plain, Untrusted: true, Write: true}, "", "[4]"},
			{postgres.Call{SQL: "SELECT 1 / 0", Identity: alice}, "22012", ""},
			{postgres.Call{SQL: whoAmI, Untrusted: true, Write: true}, "", isNone},
			{postgres.Call{SQL: "SELECT 1", Identity: &postgres.SessionIdentity{SearchPath: "app", DatabaseRole: "nobody"}}, "22023", ""},
			{postgres.Call{SQL: "SELECT 1", Identity: &postgres.SessionIdentity{SearchPath: "app, "}}, "22023", ""},
			{postgres.Call{SQL: "SELECT id FROM t", Identity: &postgres.SessionIdentity{}}, "42P01", ""},
			{postgres.Call{SQL: whoAmI, Identity: kept}, "", `["postgres",true,"{public}","{}","k","r"]`},
			{postgres.Call{SQL: "SELECT id FROM t WHERE id = 2", Identity: kept, Prepare: true}, "", "[2]"},
			{postgres.Call{SQL: whoAmI, Prepare: true}, "", isNone},
		} {
			sink := &rows{}
			_, err := db.Run(t.Context(), test.call, sink)
			if code(err) != test.code || strings.Join(sink.json, "") != test.want {
				t.Errorf("pooled %v, call %d, %s = %v, %v; want %s %s", pooled, i, test.call.SQL, sink.json, err, test.want, test.code)
			}
		}
	}
}

// code is the SQLSTATE of an error, or its text.
func code(err error) string {
	var e *postgres.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return err.Error()
}

// TestIdentityRefused: what a role is called is not told.
func TestIdentityRefused(t *testing.T) {
	url := pgtest.URL(t)
	_, login := pgtest.Role(t, url)
	log := &lines{}
	db := open(t, login, log.into)
	_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Identity: &postgres.SessionIdentity{DatabaseRole: "pg_monitor"}}, &rows{})
	if code(err) != "42501" || strings.Contains(err.Error(), "pg_monitor") || !strings.Contains(log.String(), "pg_monitor") {
		t.Errorf("Run as a role that the login is no member of = %v, want 42501 without its name; the log: %s", err, log.String())
	}
}

func TestVerify(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		db := open(t, identified(t, pooled), func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
		app, public := oid(t, db, "app.t"), oid(t, db, "public.t")
		id := &postgres.SessionIdentity{SearchPath: "app, public"}
		for i, test := range []struct {
			names []string
			oids  []uint32
			id    *postgres.SessionIdentity
			want  error
		}{
			{[]string{"t"}, []uint32{public}, nil, nil},
			{[]string{"t"}, []uint32{app}, nil, postgres.ErrChanged},
			{[]string{"t"}, []uint32{app}, id, nil},
			{[]string{"t"}, []uint32{public}, id, postgres.ErrChanged},
			{[]string{`"app"."t"`, "public.t"}, []uint32{app, public}, id, nil},
			{[]string{`"app"."t"`, "public.t"}, []uint32{public, app}, id, postgres.ErrChanged},
			{[]string{`no\"such`}, []uint32{app}, id, postgres.ErrChanged},
			{[]string{"nothing"}, []uint32{0}, id, postgres.ErrChanged},
			{nil, nil, id, nil},
		} {
			for _, call := range []postgres.Call{
				{SQL: "SELECT 1", Prepare: true}, {SQL: "SELECT $1::int", Bind: texts1, Untrusted: true},
				{SQL: fmt.Sprintf("INSERT INTO public.t VALUES (%d) RETURNING 1", 100+i), Write: true, Untrusted: true, ProvenClean: true},
				{SQL: fmt.Sprintf("INSERT INTO public.t VALUES (%d) RETURNING 1", 100+i), Write: true, MaxAffected: 1},
			} {
				call.Identity, call.Verify = test.id, &postgres.Verify{Names: test.names, OIDs: test.oids}
				if _, err := db.Run(t.Context(), call, &rows{}); err != test.want {
					t.Errorf("pooled %v: Run(%q) with %v = %v, want %v", pooled, call.SQL, call.Verify, err, test.want)
				}
			}
			want := map[bool]string{true: "[2]", false: "[0]"}[test.want == nil]
			if got, _ := run(t, db, postgres.Call{SQL: fmt.Sprintf("SELECT count(*) FROM public.t WHERE id = %d", 100+i)}); got.json[0] != want {
				t.Errorf("pooled %v: after the writes with %v there are %s rows, want %s", pooled, test.names, got.json[0], want)
			}
		}
		// The caller's own division by zero is its own.
		call := postgres.Call{SQL: "SELECT 1 / 0", Verify: &postgres.Verify{Names: []string{"t"}, OIDs: []uint32{public}}}
		if _, err := db.Run(t.Context(), call, &rows{}); code(err) != "22012" {
			t.Errorf("pooled %v: Run(%q) = %v, want 22012", pooled, call.SQL, err)
		}
	}
}

func texts1([]*postgres.Type) ([][]byte, error) { return texts("1"), nil }

func oid(t *testing.T, db *postgres.DB, name string) uint32 {
	t.Helper()
	got, _ := run(t, db, postgres.Call{SQL: "SELECT $1::regclass::oid", Args: texts(name)})
	n, err := strconv.ParseUint(strings.Trim(got.json[0], "[]"), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// TestClean: what a statement that is said to be clean leaves is the sayer's fault; the next reset finds it.
func TestClean(t *testing.T) {
	db := open(t, pgtest.URL(t), func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	const left = "SELECT count(*) FROM pg_prepared_statements WHERE name = 'leak'"
	run(t, db, postgres.Call{SQL: "PREPARE leak AS SELECT 1", Untrusted: true, ProvenClean: true})
	for _, want := range []string{"[1]", "[0]"} { // the first look throws it away
		if got, _ := run(t, db, postgres.Call{SQL: left, Untrusted: true}); got.json[0] != want {
			t.Errorf("%s = %s, want %s", left, got.json[0], want)
		}
	}
}
