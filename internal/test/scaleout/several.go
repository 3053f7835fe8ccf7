package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"mcp-postgres/internal/demo"
)

// otherBinEnv names a directory with the binaries of another version of PostgreSQL.
const otherBinEnv = "OTHER_POSTGRES_BIN"

// mostMemory is what one process with five databases may hold at most, in MiB.
const mostMemory = 60

// mostSlower is how much longer a call may take at the median while callers ask for the database that is down.
const mostSlower = 1.5

// rotating is the login whose password changes, in the databases behind changing.
const rotating = "rotating"

// five are the databases of one replica, and what marks the answers of each.
type five struct {
	names []string
	marks map[string]string
	down  atomic.Bool // whether the one that is down is asked, too
	dead  atomic.Bool // whether the primary is dead, and the last one with it, which has no standby
}

// soakSeveral loads one replica of five databases: two versions of PostgreSQL where there are two, one read-only with
// a password that changes, one behind PgBouncer, one that is down. Then the primary of one dies. No call may fail.
func soakSeveral(ctx context.Context, s *setting) error {
	d, err := s.databases(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "soak-databases-")
	if err != nil {
		return err
	}
	s.later(func() error { return os.RemoveAll(dir) })
	if err := errors.Join(markPrimary(ctx, d), changePassword(ctx, d, dir, 0)); err != nil {
		return err
	}
	if err := s.replicate(ctx, d); err != nil {
		return err
	}
	file, err := s.fiveDatabases(ctx, d, dir)
	if err != nil {
		return err
	}
	// In read-only mode every call is known to be a read, and may be repeated.
	r, err := s.replica(ctx, "", "MCP_DATABASES_FILE="+file, "POSTGRES_READONLY=true")
	if err != nil {
		return err
	}
	f := &five{names: []string{"shop", "changing", "old", "bounced"},
		marks: map[string]string{"shop": "primary", "changing": "primary", "old": "old", "bounced": "primary"}}
	fmt.Printf("\n1 replica of 5 databases, %d clients, %v each phase\n", s.clients, s.duration)
	l := startLoad(ctx, "four databases, each answer marked", r.url(), s.clients, f.ask)
	l.strict = true
	err = errors.Join(s.severalPhases(ctx, d, dir, f, l), l.end())
	peak, memoryErr := r.peak()
	fmt.Printf("  RSS at most %.1f MiB\n", peak)
	if peak > mostMemory {
		memoryErr = fmt.Errorf("the replica held %.1f MiB: want at most %d", peak, mostMemory)
	}
	alone, beside := l.phases[0].median(), l.phases[1].median()
	if beside.Seconds() > mostSlower*alone.Seconds() {
		err = errors.Join(err, fmt.Errorf("a call takes %v beside a database that is down, %v without: want at most %v "+
			"times as long", beside, alone, mostSlower))
	}
	return errors.Join(err, memoryErr)
}

// severalPhases disturbs the load.
func (s *setting) severalPhases(ctx context.Context, d *databases, dir string, f *five, l *load) error {
	if err := pause(ctx, s.duration); err != nil {
		return err
	}
	f.down.Store(true)
	l.begin("every eighth client asks the one down")
	if err := pause(ctx, s.duration); err != nil {
		return err
	}
	l.begin("a password changes every second")
	for n := range int(s.duration / time.Second) {
		if err := errors.Join(changePassword(ctx, d, dir, n+1), pause(ctx, time.Second)); err != nil {
			return err
		}
	}
	f.dead.Store(true)
	if err := pause(ctx, time.Second); err != nil { // for the calls in flight
		return err
	}
	l.begin("the primary dies, its standby answers")
	if err := syscall.Kill(d.primary.PID(), syscall.SIGQUIT); err != nil {
		return err
	}
	return pause(ctx, s.duration)
}

// markPrimary makes the table whose row is in every answer, and the login whose password changes.
func markPrimary(ctx context.Context, d *databases) error {
	return execute(ctx, d.primary.AdminURL(), "CREATE TABLE shop.mark AS SELECT 'primary' AS name; "+
		"CREATE ROLE "+rotating+" LOGIN; GRANT USAGE ON SCHEMA shop TO "+rotating+"; GRANT SELECT ON shop.mark TO public")
}

// changePassword gives the login another password, writes it to the file, and ends half of the login's connections.
func changePassword(ctx context.Context, d *databases, dir string, n int) error {
	secret := fmt.Sprintf("secret-%d", n)
	alter := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", rotating, secret)
	if err := execute(ctx, d.primary.AdminURL(), alter); err != nil {
		return err
	}
	name := filepath.Join(dir, "password")
	if err := os.WriteFile(name+".new", []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return execute(ctx, d.primary.AdminURL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+
		rotating+"' AND pid % 2 = 0 AND backend_start < now() - interval '500 ms'")
}

// fiveDatabases writes the file of --databases.
func (s *setting) fiveDatabases(ctx context.Context, d *databases, dir string) (string, error) {
	pooler, err := s.pgbouncer(ctx, d)
	if err != nil {
		return "", err
	}
	other, err := demo.Start(ctx, demo.Config{TCP: true, BinDir: os.Getenv(otherBinEnv)})
	if err != nil {
		return "", err
	}
	s.later(other.Stop)
	if err := execute(ctx, other.AdminURL(), "CREATE SCHEMA shop; CREATE TABLE shop.mark AS SELECT 'old' AS name; "+
		"GRANT USAGE ON SCHEMA shop TO public; GRANT SELECT ON shop.mark TO public"); err != nil {
		return "", err
	}
	both := d.bothURL("any")
	changing := strings.Replace(both, demo.Role+":"+d.conf.Password+"@", rotating+"@", 1)
	text := fmt.Sprintf(`databases:
  shop: {url: %q, description: The shop and its standby}
  changing: {url: %q, password_file: %q, read_only: true}
  old: {url: %q}
  bounced: {url: %q}
  down: {url: "postgres://nobody@127.0.0.1:1/none"}
default: shop
`, both, changing, filepath.Join(dir, "password"), other.URL(), pooler.url())
	file := filepath.Join(dir, "databases.yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// ask asks the databases in turn. One client of eight asks the one that is down.
func (f *five) ask(ctx context.Context, c *client, id, n int) (kind, text string) {
	n += id
	if f.down.Load() && id%8 == 0 {
		kind, text = c.call(ctx, "query", `{"sql":"SELECT 1","database":"down"}`)
		if kind == notice {
			return expected, text
		}
		return wrong, text
	}
	names := f.names
	if f.dead.Load() {
		names = names[:len(names)-1]
	}
	name := names[n%len(names)]
	mark := fmt.Sprintf("%d-%d", id, n)
	kind, text = c.call(ctx, "query", fmt.Sprintf(
		`{"sql":"SELECT $1::text || ':' || name AS v FROM shop.mark","parameters":[%q],"database":%q}`, mark, name))
	if kind == fine && !strings.Contains(text, mark+":"+f.marks[name]+" ") {
		return wrong, name + ": " + text
	}
	return kind, name + ": " + text
}

// peak is the most memory that the replica held, in MiB; zero where the system does not tell.
func (r *replica) peak() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil {
		return 0, err
	}
	var kib float64
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmHWM: %f", &kib) // of the other lines none begins so
	}
	return kib / 1024, nil
}
