package engines_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// pglite starts PGlite, for as many clients at once, and gives its connection string. It is one session for all of them.
func pglite(t *testing.T, clients string) string {
	t.Helper()
	script := filepath.Join("..", "..", "..", ".cache", "engines", "node_modules", "@electric-sql", "pglite-socket", "dist", "scripts", "server.js")
	if dir := os.Getenv("ENGINES_NODE_MODULES"); dir != "" {
		script = filepath.Join(dir, "@electric-sql", "pglite-socket", "dist", "scripts", "server.js")
	}
	script, err := filepath.Abs(script)
	if err == nil {
		_, err = os.Stat(script)
	}
	if err != nil {
		t.Skipf("PGlite is not installed (npm install @electric-sql/pglite @electric-sql/pglite-socket): %v", err)
	}
	port := pgtest.FreePort(t)
	start(t, "", t.TempDir(), installed(t, "node", "nodejs"), script, "--port", port, "--max-connections", clients)
	url := "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
	await(t, url, "CREATE SCHEMA IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.t (id int)")
	return url
}

// TestPGlite: the start-up parameters are ignored there, and all clients share one session.
func TestPGlite(t *testing.T) {
	for _, clients := range []string{"1", "20"} {
		t.Run("clients "+clients, func(t *testing.T) {
			url := pglite(t, clients) + "&timezone=Europe/Berlin&search_path=shop"
			first, _ := open(t, url)
			const session = "SELECT current_setting('timezone'), current_schema(), current_setting('datestyle'), current_setting('jit')"
			const want = "Europe/Berlin shop ISO, YMD off"
			got := call(t, first, postgres.Call{SQL: session, Prepare: true})
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && errors.As(got.err, new(*postgres.Unavailable)); {
				time.Sleep(50 * time.Millisecond) // PGlite takes a moment to see that the client before has left
				got = call(t, first, postgres.Call{SQL: session, Prepare: true})
			}
			if got.String() != want {
				t.Errorf("the first call has the settings %q, want %q", got, want)
			}
			only(t, session, answers(t, first, 1, 14, postgres.Call{SQL: session, Prepare: true}), want)
			only(t, "of callers", answers(t, first, 5, 20, postgres.Call{SQL: session, Untrusted: true}), want)
			only(t, "writes", answers(t, first, 5, 4, postgres.Call{SQL: "INSERT INTO t VALUES (1)", Untrusted: true, Write: true}), "")
			if got := call(t, first, postgres.Call{SQL: "SELECT count(*) FROM t"}).String(); got != "20" {
				t.Errorf("%s rows, want 20", got)
			}
		})
	}
}
