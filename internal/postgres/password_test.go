package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// lockedBuffer is a log that goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// login makes a role with a password, and gives its connection string without it.
func login(t *testing.T, c *demo.Cluster) (name, url string) {
	t.Helper()
	name = "rotating"
	pgtest.Exec(t, c.AdminURL(), "CREATE ROLE rotating LOGIN PASSWORD 'first'")
	_, after, _ := strings.Cut(c.URL(), "@")
	return name, "postgres://" + name + "@" + after
}

// TestPasswordsThatChange: when the password of the login changes, and its connections with it, no read fails.
func TestPasswordsThatChange(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	name, url := login(t, c)
	dir := t.TempDir()
	file, count := filepath.Join(dir, "password"), filepath.Join(dir, "count")
	script := filepath.Join(dir, "command")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	passfile := filepath.Join(dir, "pgpass")
	t.Setenv("PGPASSFILE", passfile)
	writeAll := func(secret string) {
		write(file, secret+"\nand another line\n")
		write(passfile, "*:*:*:"+name+":"+secret+"\n")
		if err := os.Chmod(passfile, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(script, "#!/bin/sh\necho x >> "+count+"\necho \"asked for $1\" >&2\ncat "+file+"\necho \"got $(head -n 1 "+file+")\" >&2\n")
	writeAll("first")
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	sources := map[string]postgres.Password{
		"file": {File: file}, "password file": {}, "command, kept": {Command: []string{script, "$HOME; x"}, Keep: time.Hour}, "command": {Command: []string{script, "a b"}},
	}
	dbs := map[string]*postgres.DB{}
	for what, source := range sources {
		dbs[what] = open(t, url, func(c *postgres.Config) { c.Password, c.Logger = source, logger })
	}
	for i := range 6 {
		if i > 0 {
			secret := fmt.Sprintf("secret-%d", i)
			writeAll(secret)
			pgtest.Exec(t, c.AdminURL(), fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", name, secret))
			pgtest.Exec(t, c.AdminURL(), fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'", name))
		}
		for what, db := range dbs {
			if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{}); err != nil {
				t.Errorf("%s, after change %d: %v", what, i, err)
			}
		}
	}
	if text := log.String(); !strings.Contains(text, "asked for $HOME; x") || !strings.Contains(text, "got ") || strings.Contains(text, "secret") {
		t.Errorf("the log has %s\nwant what the command said, and no password", text)
	}
}

func TestPasswordsThatCannotBeHad(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	_, url := login(t, c)
	file := filepath.Join(t.TempDir(), "password")
	for _, test := range []struct {
		name, file string
		source     postgres.Password
		log        string
	}{
		{"no file", "", postgres.Password{File: file + "x"}, "no such file"},
		{"empty file", "\nfirst", postgres.Password{File: file}, "the first line of the password command or file is empty"},
		{"no command", "", postgres.Password{Command: []string{file + "x"}}, "no such file"},
		{"command that fails", "", postgres.Password{Command: []string{"sh", "-c", "echo first; echo why >&2; exit 3"}}, "exit status 3"},
		{"command that says nothing", "", postgres.Password{Command: []string{"true"}}, "is empty: want the password"},
		{"command that does not stop writing", "", postgres.Password{Command: []string{"sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x; head -c 100000000 /dev/zero"}}, "more than 65536 bytes"},
		{"zero byte", "a\x00b", postgres.Password{File: file}, "zero byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var log lockedBuffer
			db := open(t, url, func(c *postgres.Config) { c.Password, c.Logger = test.source, slog.New(slog.NewTextHandler(&log, nil)) })
			_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
			var down *postgres.Unavailable
			if !errors.As(err, &down) || !strings.Contains(down.Reason, "the password of the login can't be had") {
				t.Errorf("Run = %v, want that the password can't be had", err)
			}
			if !strings.Contains(log.String(), test.log) || strings.Contains(log.String(), "first\n") {
				t.Errorf("the log has %s, want %s", log.String(), test.log)
			}
		})
	}
}
