package pgtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

// TestEnding is no test of its own: the tests below run it in a process of its own, and it ends as told.
func TestEnding(t *testing.T) {
	ending := os.Getenv("TEST_ENDING")
	if ending == "" {
		t.Skip("a helper of other tests")
	}
	pgtest.URL(t)
	pgtest.Demo(t)
	switch ending {
	case "failure":
		t.Error("as told")
	case "panic":
		panic("as told")
	}
}

// runEnding reports whether the process succeeded.
func runEnding(t *testing.T, ending string, env ...string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestEnding$", "-test.v")
	cmd.Env = append(append(os.Environ(), "TEST_ENDING="+ending), env...)
	output, err := cmd.CombinedOutput()
	if !strings.Contains(string(output), "=== RUN   TestEnding") {
		t.Fatalf("running the helper: %v\n%s", err, output)
	}
	return err == nil
}

func TestNothingIsLeftBehind(t *testing.T) {
	for _, tt := range []struct {
		ending string
		want   bool
	}{
		{"success", true},
		{"failure", false},
		{"panic", false},
	} {
		t.Run(tt.ending, func(t *testing.T) {
			dir := openDir(t)
			if got := runEnding(t, tt.ending, "TMPDIR="+dir, "TEST_DATABASE_URL="); got != tt.want {
				t.Errorf("success of the helper = %v, want %v", got, tt.want)
			}
			awaitEmpty(t, dir)
		})
	}
}

func TestGivenServerIsLeftAsItWas(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	const databases = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
	before := pgtest.Value(t, c.AdminURL(), databases)
	for _, ending := range []string{"success", "failure"} {
		if got := runEnding(t, ending, "TEST_DATABASE_URL="+c.AdminURL()); got != (ending == "success") {
			t.Errorf("success of the helper = %v after %s", got, ending)
		}
		if after := pgtest.Value(t, c.AdminURL(), databases); after != before {
			t.Errorf("databases after %s = %s, want %s", ending, after, before)
		}
	}
}

// openDir is a directory that the server's user can enter too, beside those of the servers.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(pgtest.NewCluster(t, demo.Config{}).Dir()), "pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// awaitEmpty waits for the server and its directory to be gone.
func awaitEmpty(t *testing.T, dir string) {
	t.Helper()
	var left []os.DirEntry
	for range 100 {
		processes, err := exec.Command("ps", "-A", "-o", "args=").Output()
		if err != nil {
			t.Fatal(err)
		}
		left, _ = os.ReadDir(dir)
		if len(left) == 0 && !strings.Contains(string(processes), dir) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("still in %s: %v, or a process of it", dir, left)
}
