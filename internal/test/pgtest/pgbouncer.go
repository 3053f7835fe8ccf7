package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// PgBouncer starts a pooler in transaction mode before c, with two server connections unless settings say otherwise,
// and returns the connection string to c's database through it. It ends with the test, or with the process.
func PgBouncer(t testing.TB, c *demo.Cluster, settings map[string]string) string {
	t.Helper()
	program := pgBouncerInstalled(t)
	port := FreePort(t)
	conf := map[string]string{
		"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "any",
		"pool_mode": "transaction", "default_pool_size": "2", "log_connections": "0", "log_disconnections": "0",
		"max_client_conn": "100", "user": c.User(),
	}
	maps.Copy(conf, settings)
	if conf["user"] == "" {
		delete(conf, "user")
	}
	var ini strings.Builder
	fmt.Fprintf(&ini, "[databases]\n%s = %s\n\n[pgbouncer]\n", demo.Database, target(t, c))
	for _, name := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&ini, "%s = %s\n", name, conf[name])
	}
	path, err := c.AddFile("pgbouncer-"+port+".ini", []byte(ini.String()))
	if err != nil {
		t.Fatal(err)
	}
	url := "postgres://" + demo.Superuser + "@127.0.0.1:" + port + "/" + demo.Database + "?sslmode=disable"
	startPgBouncer(t, program, path, url)
	return url
}

// pgBouncerInstalled finds the program, or ends the test.
func pgBouncerInstalled(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	giveUp(t, fmt.Errorf("no PgBouncer: %w", demo.ErrNotInstalled))
	return ""
}

// target is where PgBouncer finds the database of c.
func target(t testing.TB, c *demo.Cluster) string {
	t.Helper()
	conf, err := pgx.ParseConfig(c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	words := fmt.Sprintf("host=%s port=%d user=%s", conf.Host, conf.Port, conf.User)
	if conf.Password != "" {
		words += " password=" + conf.Password // random letters and digits
	}
	return words
}

// startPgBouncer returns when connections work. The shell between stops it when its input ends, however we end.
func startPgBouncer(t testing.TB, program, ini, url string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `"$0" "$1" & read -r _; kill $!; wait $!`, program, ini)
	cmd.Dir = filepath.Dir(ini)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = cmd.Wait() // killed, as asked
		if t.Failed() {
			t.Logf("PgBouncer:\n%s", output.Bytes())
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), url)
		if err == nil {
			conn.Close(context.Background())
			return
		}
		if time.Now().After(end) {
			t.Fatalf("connecting through PgBouncer: %v", err)
		}
	}
}

// FreePort is a port of 127.0.0.1 that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	port, err := demo.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
