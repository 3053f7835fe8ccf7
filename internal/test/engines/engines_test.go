// Package engines tries the server on what stands between it and PostgreSQL, or in PostgreSQL's place: poolers, PGlite, Citus.
// make engines runs it; without ENGINES=1 its tests are skipped.
package engines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("ENGINES") == "" {
		fmt.Println("skipped: ENGINES=1 runs the tests of engines and poolers")
		return
	}
	pgtest.Main(m)
}

// cluster starts PostgreSQL on a port of 127.0.0.1 that lets everybody in, as whom they say they are.
func cluster(t *testing.T, config demo.Config) *demo.Cluster {
	t.Helper()
	config.TCP = true
	c := pgtest.NewCluster(t, config)
	hba := "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"
	if err := os.WriteFile(filepath.Join(c.Dir(), "data", "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, c.AdminURL(), "SELECT pg_reload_conf()")
	return c
}

// portOf is the port of a cluster's address.
func portOf(t *testing.T, c *demo.Cluster) string {
	t.Helper()
	conf, err := pgx.ParseConfig(c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(int(conf.Port))
}

func at(port, login string) string {
	return "postgres://" + url.User(login).String() + "@127.0.0.1:" + port + "/" + demo.Database + "?sslmode=disable"
}

// start runs a program until the test ends, as an account of the system unless that is empty.
func start(t *testing.T, account, dir string, program ...string) {
	t.Helper()
	// The shell stops the program when its input ends, however we end.
	cmd := exec.Command("sh", append([]string{"-c", `"$@" & read -r _; kill $!; wait $!`, "sh"}, program...)...)
	cmd.Dir = dir
	cmd.SysProcAttr = as(t, account)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = cmd.Wait() // killed, as asked
		if t.Failed() {
			t.Logf("%s:\n%s", program[0], output.Bytes())
		}
	})
}

func as(t *testing.T, account string) *syscall.SysProcAttr {
	t.Helper()
	if account == "" {
		return nil
	}
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// await waits until a statement works.
func await(t *testing.T, url, sql string) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), url)
		if err == nil {
			_, err = conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
			conn.Close(context.Background())
		}
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s at %s: %v", sql, url, err)
		}
	}
}

func open(t *testing.T, url string, change ...func(*postgres.Config)) (*postgres.DB, *logged) {
	t.Helper()
	log := &logged{}
	c := postgres.Config{URL: url, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(&c)
	}
	db, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Close()
		if t.Failed() {
			t.Logf("the server:\n%s", log)
		}
	})
	return db, log
}

// logged keeps what is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// answer is what a call gives: its rows, a line each and their columns after blanks, or the code of its error.
type answer struct {
	rows []string
	err  error
}

func (*answer) Columns([]postgres.Column) {}

func (a *answer) Row(row [][]byte) bool {
	a.rows = append(a.rows, string(bytes.Join(row, []byte(" "))))
	return true
}

func (a *answer) String() string {
	var e *postgres.Error
	switch {
	case errors.As(a.err, &e):
		return e.Code
	case a.err != nil:
		return a.err.Error()
	}
	return strings.Join(a.rows, "\n")
}

func call(t *testing.T, db *postgres.DB, c postgres.Call) *answer {
	t.Helper()
	a := &answer{}
	_, a.err = db.Run(t.Context(), c, a)
	return a
}

// answers runs a call many times, from several threads, and counts each answer.
func answers(t *testing.T, db *postgres.DB, threads, times int, c postgres.Call) map[string]int {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	count := map[string]int{}
	for range threads {
		all.Go(func() {
			for range times {
				got := call(t, db, c).String()
				mu.Lock()
				count[got]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return count
}

// only fails the test unless all answers are the one that is wanted.
func only(t *testing.T, what string, got map[string]int, want string) {
	t.Helper()
	if len(got) != 1 || got[want] == 0 {
		t.Errorf("%s: the answers are %v, want only %q", what, got, want)
	}
}

// installed finds a program that Debian may keep from the PATH of users.
func installed(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skipf("%s is not installed (Debian: apt-get install %s)", name, pkg)
	return ""
}

// shop has rows of two owners with row security by the caller, and a database role that may read only some of it.
const shop = `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, at timestamptz); CREATE TABLE shop.products (id int);
	INSERT INTO shop.orders VALUES (1, '2025-03-01 02:00Z'); INSERT INTO shop.products SELECT generate_series(1, 120);
	CREATE TABLE shop.notes (id int PRIMARY KEY, owner text); INSERT INTO shop.notes VALUES (1, 'dan'), (2, 'ann');
	ALTER TABLE shop.notes ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON shop.notes USING (owner = coalesce(current_setting('mcp.sub', true), '') OR coalesce(current_setting('mcp.sub', true), '') = '');
	CREATE ROLE reader; GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON shop.orders, shop.notes TO reader;`

var dan = &postgres.SessionIdentity{SearchPath: `"shop", pg_temp`, Claims: `{"sub":"dan"}`, Sub: "dan", Role: "dbr", DatabaseRole: "reader"}
