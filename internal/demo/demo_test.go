package demo_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

func TestStartAndStop(t *testing.T) {
	dir := tempDir(t)
	c := start(t, demo.Config{})
	if !strings.HasPrefix(c.Dir(), dir) {
		t.Errorf("Dir() = %s, want it in %s", c.Dir(), dir)
	}
	info, err := os.Stat(c.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("permissions of Dir() = %o, want 700", got)
	}
	const who = "SELECT concat_ws(' ', current_user, current_database(), current_setting('is_superuser'), current_setting('server_encoding'), upper('ö'))"
	if got, want := value(t, c.URL(), who), "demo demo off UTF8 Ö"; got != want {
		t.Errorf("URL() leads to %q, want %q", got, want)
	}
	if got, want := value(t, c.AdminURL(), who), "postgres demo on UTF8 Ö"; got != want {
		t.Errorf("AdminURL() leads to %q, want %q", got, want)
	}
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Errorf("Stop() = %v, want nil", err)
		}
	}
	if err := c.Restart(t.Context()); err == nil {
		t.Error("Restart() after Stop = nil, want an error")
	}
	wantNothing(t, dir)
}

func TestRootIsDropped(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	c := start(t, demo.Config{})
	output, err := exec.Command("ps", "-o", "user=", "-p", strconv.Itoa(c.PID())).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(output)); got != "postgres" && got != "nobody" {
		t.Errorf("the server's user = %q, want postgres or nobody", got)
	}
}

func TestSettings(t *testing.T) {
	c := start(t, demo.Config{Settings: map[string]string{"fsync": "on", "work_mem": "5MB"}})
	got := value(t, c.URL(), "SELECT current_setting('fsync') || ' ' || current_setting('work_mem') || ' ' || current_setting('jit')")
	if want := "on 5MB off"; got != want {
		t.Errorf("fsync, work_mem and jit = %q, want %q", got, want)
	}
}

func TestTCPWantsThePassword(t *testing.T) {
	c := start(t, demo.Config{TCP: true})
	for _, address := range []string{c.URL(), c.AdminURL()} {
		if got := value(t, address, "SELECT host(inet_server_addr())"); got != "127.0.0.1" {
			t.Errorf("address of the server = %q, want 127.0.0.1", got)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(u.User.Username(), "guess")
		if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
			conn.Close(t.Context())
			t.Errorf("connecting as %s with a guessed password worked, want a refusal", u.User.Username())
		}
	}
}

func TestOddTemporaryDirectories(t *testing.T) {
	for _, tt := range []struct {
		name, dir string
		used      bool
	}{
		{"special characters", `a b'c"d&e?f=g%h#i+j[k]*ü`, true},
		{"comma", "a,b", false},
		{"too long for a socket", strings.Repeat("long", 20), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(tempDir(t), tt.dir)
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			t.Setenv("TMPDIR", dir)
			c := start(t, demo.Config{})
			if got := value(t, c.URL(), "SELECT 1"); got != "1" {
				t.Errorf("SELECT 1 = %s", got)
			}
			if got := strings.HasPrefix(c.Dir(), dir); got != tt.used {
				t.Errorf("Dir() = %s; in TMPDIR: %v, want %v", c.Dir(), got, tt.used)
			}
		})
	}
}

func TestStartFailsWithTheServersWords(t *testing.T) {
	dir := tempDir(t)
	_, err := demo.Start(t.Context(), demo.Config{BinDir: needServer(t), Settings: map[string]string{"work_mem": "much"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "work_mem": "much"`) {
		t.Errorf("Start(work_mem = much) = %v, want the server's message", err)
	}
	wantNothing(t, dir)
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	dir := tempDir(t)
	bin := needServer(t)
	for _, after := range []time.Duration{0, 20, 150, 400, 600, 800} {
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		c, err := demo.Start(ctx, demo.Config{BinDir: bin, Sample: true})
		cancel()
		if err == nil {
			t.Logf("ready before %d ms", after)
			if err := c.Stop(); err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Start(cancelled after %d ms) = %v, want %v", after, err, context.DeadlineExceeded)
		}
		wantNothing(t, dir)
	}
}

func TestHaltAndRestartKeepDataAndAddress(t *testing.T) {
	c := start(t, demo.Config{TCP: true})
	before := c.URL()
	value(t, before, "SELECT set_config('search_path', '', false)")
	for range 2 {
		if err := c.Halt(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pgx.Connect(t.Context(), before); err == nil {
		t.Error("connecting to a halted cluster worked, want an error")
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, c.URL()); diff != "" {
		t.Errorf("URL() after Restart (-before +after):\n%s", diff)
	}
	if got := value(t, before, "SELECT current_user"); got != "demo" {
		t.Errorf("user after Restart = %q, want demo", got)
	}
}
