package demo_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// TestMain is also the program that the tests of sudden ends start and kill.
func TestMain(m *testing.M) {
	demo.ClearEnvironment()
	if os.Getenv("DEMO_HELPER") != "" {
		helper()
		return
	}
	os.Exit(m.Run())
}

// helper starts a cluster, prints where it is, and waits to be killed.
func helper() {
	signal.Ignore(syscall.SIGINT)
	c, err := demo.Start(context.Background(), demo.Config{BinDir: os.Getenv("TEST_POSTGRES_BIN")})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println(c.PID(), c.Dir(), c.URL())
	select {}
}

// needServer is TEST_POSTGRES_BIN or the directory of the installed binaries; it skips the test where there are none,
// except in CI.
func needServer(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("TEST_POSTGRES_BIN"); dir != "" {
		return dir
	}
	dir, err := demo.Installed(nil)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, cfg demo.Config) *demo.Cluster {
	t.Helper()
	bin := needServer(t)
	if cfg.Search == nil {
		cfg.BinDir = bin
	}
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
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

// value is the one column of the one row of query, as text.
func value(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	result := conn.PgConn().ExecParams(t.Context(), query, nil, nil, nil, nil).Read()
	if result.Err != nil {
		t.Fatalf("%s: %v", query, result.Err)
	}
	if len(result.Rows) != 1 {
		t.Fatalf("%s: %d rows, want 1", query, len(result.Rows))
	}
	return string(result.Rows[0][0])
}

// tempDir becomes TMPDIR for the test, in memory if there is room.
func tempDir(t *testing.T) string {
	t.Helper()
	dir := openDir(t, cmp.Or(demo.RoomyMemory(), "/tmp"))
	t.Setenv("TMPDIR", dir)
	return dir
}

// openDir is a new directory that the server's user can enter too. Only below /tmp can programs surely be run.
func openDir(t *testing.T, root string) string {
	t.Helper()
	dir, err := os.MkdirTemp(root, "demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// processes are the living ones with text in their command line, as "pid args".
func processes(t *testing.T, text string) []string {
	t.Helper()
	output, err := exec.Command("ps", "-A", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[1][0] != 'Z' && strings.Contains(line, text) {
			found = append(found, fields[0]+" "+strings.Join(fields[2:], " "))
		}
	}
	return found
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range list {
		names = append(names, entry.Name())
	}
	return names
}

// eventually waits up to ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("not within ten seconds: %s", what)
}

// wantNothing checks that dir is empty and no process works in it.
func wantNothing(t *testing.T, dir string) {
	t.Helper()
	if got := entries(t, dir); len(got) > 0 {
		t.Errorf("left in the temporary directory: %q, want nothing", got)
	}
	if got := processes(t, dir); len(got) > 0 {
		t.Errorf("left running: %q, want nothing", got)
	}
}
