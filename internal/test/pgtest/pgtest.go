// Package pgtest gives tests a real PostgreSQL: a fresh database for each test, on one server for all tests of
// a package, started when the first test asks. TEST_DATABASE_URL names a server to use instead, TEST_POSTGRES_BIN the
// directory of the binaries to start.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// Tests connect as a superuser, who may create what a test needs; Role gives a login without any right. A test
// is skipped only where no PostgreSQL is installed, TEST_DATABASE_URL is not set and neither is CI.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// Main runs the tests, without the PG variables of the environment, and exits, after removing the server and whatever
// else outlived a single test. Where it can't (a panic, a kill) the server and its directory disappear by themselves.
func Main(m *testing.M) {
	demo.ClearEnvironment()
	shared.open()
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// URL is the connection string of a new empty database, for a superuser. The database is dropped when the test
// ends, whoever is connected.
func URL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, shared.admin(t), "")
}

// Demo is URL with the sample data of package demo in it, and its search path. It is a copy of a database that
// is loaded once, and cheap.
func Demo(t testing.TB) string {
	t.Helper()
	admin, template := shared.demo(t)
	url := newDatabase(t, admin, template)
	// A copy has the tables but not the settings of its template.
	Exec(t, url, "ALTER DATABASE "+pgx.Identifier{database(t, url)}.Sanitize()+" SET search_path = "+demo.SearchPath)
	return url
}

// Role creates a login without rights or memberships and returns its name and its connection string to the
// database of url. What it owns there is dropped with it when the test ends.
func Role(t testing.TB, url string) (name, roleURL string) {
	t.Helper()
	name, password := newName("role"), rand.Text()
	Exec(t, url, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, password))
	t.Cleanup(func() {
		Exec(t, url, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", name))
	})
	return name, withUser(t, url, name, password)
}

// Exec runs a script of one or more statements, as one transaction unless the script says otherwise.
func Exec(t testing.TB, url, script string) {
	t.Helper()
	if err := execute(url, script); err != nil {
		t.Fatalf("running %q: %v", abbreviate(script), err)
	}
}

// Value runs a query of one row and one column and returns its value as PostgreSQL writes it; NULL is "".
func Value(t testing.TB, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	result := conn.PgConn().ExecParams(context.Background(), query, nil, nil, nil, nil).Read()
	if result.Err != nil {
		t.Fatalf("running %q: %v", abbreviate(query), result.Err)
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		t.Fatalf("running %q: %d rows of %d columns, want one of one", abbreviate(query), len(result.Rows),
			len(result.FieldDescriptions))
	}
	return string(result.Rows[0][0])
}

// Version is the major version of the server.
func Version(t testing.TB, url string) int {
	t.Helper()
	version, err := strconv.Atoi(Value(t, url, "SELECT current_setting('server_version_num')::int / 10000"))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// HasExtension reports whether the server has the files of an extension: which ones there are depends on its version
// and on how it was built.
func HasExtension(t testing.TB, url, name string) bool {
	t.Helper()
	return Value(t, url, "SELECT count(*) FROM pg_available_extensions WHERE name = '"+name+"'") == "1"
}

// NeedExtensions ends a test whose server lacks one of the extensions that every version has, as a system whose
// contrib modules are a package of their own may: it skips the test, in CI it fails it.
func NeedExtensions(t testing.TB, url string, names ...string) {
	t.Helper()
	for _, name := range names {
		if !HasExtension(t, url, name) {
			giveUp(t, fmt.Errorf("%w with the extension %s", demo.ErrNotInstalled, name))
		}
	}
}

// NewCluster starts a server for this test alone, which may Halt, Restart and Stop it; its address stays. It is
// always a server of our own, TEST_DATABASE_URL or not.
func NewCluster(t testing.TB, cfg demo.Config) *demo.Cluster {
	t.Helper()
	if cfg.BinDir == "" {
		cfg.BinDir = installed(t)
	}
	c, err := demo.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// installed finds the server binaries, TEST_POSTGRES_BIN or the newest installed ones, or ends the test.
func installed(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("TEST_POSTGRES_BIN"); dir != "" {
		return dir
	}
	dir, err := demo.Installed(nil)
	if err != nil {
		giveUp(t, err)
	}
	return dir
}

// giveUp skips a test that has no database, except in CI, where every test must run.
func giveUp(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "" && errors.Is(err, demo.ErrNotInstalled) {
		t.Skip(err)
	}
	t.Fatal(err)
}

// newDatabase creates a database, a copy of template unless that is empty, for as long as the test runs.
func newDatabase(t testing.TB, admin, template string) string {
	t.Helper()
	name := newName("test")
	create := "CREATE DATABASE " + name
	if template != "" {
		create += " TEMPLATE " + template
	}
	Exec(t, admin, create)
	t.Cleanup(func() {
		Exec(t, admin, dropDatabase(name))
	})
	return withDatabase(t, admin, name)
}

func dropDatabase(name string) string {
	return "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"
}

// newName is a name that no other test, process or machine uses, and that needs no quotes.
func newName(kind string) string {
	return "pgtest_" + kind + "_" + strings.ToLower(rand.Text()[:16])
}

func execute(url, script string) error {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.PgConn().Exec(context.Background(), script).ReadAll()
	return err
}

func abbreviate(script string) string {
	const limit = 200
	if len(script) > limit {
		return script[:limit] + "..."
	}
	return script
}
