package engines_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// citus starts a coordinator and two workers, all with settings that differ from ours; CITUS_BIN is the directory of the
// binaries of a PostgreSQL that Citus is installed in.
func citus(t *testing.T) (coordinator *demo.Cluster, workers []*demo.Cluster) {
	t.Helper()
	bin := os.Getenv("CITUS_BIN")
	if bin == "" {
		t.Skip("CITUS_BIN does not name the binaries of a PostgreSQL with Citus")
	}
	var all []*demo.Cluster
	for range 3 {
		c := cluster(t, demo.Config{BinDir: bin, Settings: map[string]string{
			"shared_preload_libraries": "citus", "citus.node_conninfo": "sslmode=disable", "max_prepared_transactions": "20", "wal_level": "logical",
			"timezone": "America/New_York", "datestyle": "German", "extra_float_digits": "0", "max_connections": "60",
		}})
		pgtest.Exec(t, c.AdminURL(), "CREATE EXTENSION citus")
		all = append(all, c)
	}
	admin := all[0].AdminURL()
	pgtest.Exec(t, admin, "SELECT citus_set_coordinator_host('127.0.0.1', "+portOf(t, all[0])+")")
	for _, worker := range all[1:] {
		pgtest.Exec(t, admin, "SELECT citus_add_node('127.0.0.1', "+portOf(t, worker)+")")
	}
	pgtest.Exec(t, admin, shop)
	pgtest.Exec(t, admin, `SELECT create_distributed_table('shop.orders', 'id'); SELECT create_distributed_table('shop.products', 'id');
		SELECT create_distributed_table('shop.notes', 'id');
		CREATE TABLE shop.local AS SELECT * FROM shop.orders; GRANT SELECT ON shop.local TO reader;`)
	return all[0], all[1:]
}

// grant runs what mcp-postgres grants prints for a role with a database_role.
func grant(t *testing.T, admin string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "permissions.yaml")
	if err := os.WriteFile(file, []byte("roles:\n  dbr: {schemas: [shop], tables: [orders, notes, local], operations: [select], database_role: reader}\nusers: {_default: dbr}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var problem bytes.Buffer
	cmd := exec.Command("go", "run", "../../../cmd/mcp-postgres", "grants", "--permissions", file)
	cmd.Stderr = &problem
	script, err := cmd.Output()
	if err != nil {
		t.Fatalf("grants: %v\n%s", err, problem.Bytes())
	}
	pgtest.Exec(t, admin, string(script))
}

// TestCitus asks on the workers for what the call has set: each of these expressions is evaluated with the shard's rows.
func TestCitus(t *testing.T) {
	coordinator, workers := citus(t)
	admin := coordinator.AdminURL()
	grant(t, admin)
	direct := at(portOf(t, coordinator), demo.Superuser)
	for name, url := range map[string]string{"direct": direct, "PgBouncer": pgtest.PgBouncer(t, coordinator, nil)} {
		t.Run(name, func(t *testing.T) {
			db, _ := open(t, url)
			for what, test := range map[string]struct{ sql, want string }{
				"rows of the caller":          {"SELECT string_agg(owner, ',') FROM notes", "dan"},
				"a table without a grant":     {"SELECT count(*) FROM products", "42501"},
				"the day in UTC, distributed": {"SELECT at::date, count(*) FROM orders GROUP BY 1", "2025-03-01 1"},
				"the day in UTC, local":       {"SELECT at::date, count(*) FROM local GROUP BY 1", "2025-03-01 1"},

				"text of a float, on a worker": {"SELECT (id * 0.1::float8 + 0.2::float8)::text FROM orders", "0.30000000000000004"},
			} {
				for _, foreign := range []bool{false, true} {
					only(t, what, answers(t, db, 2, 5, postgres.Call{SQL: test.sql, Identity: dan, Untrusted: foreign, Prepare: !foreign}), test.want)
				}
			}
			const onWorker = "SELECT id, current_setting('timezone'), current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('mcp.role'), " +
				"current_setting('transaction_read_only') FROM orders WHERE current_setting('port') <> '' AND id = 1"
			if got := call(t, db, postgres.Call{SQL: onWorker, Identity: dan, Untrusted: true}).String(); got != "1 UTC 30s 10s dbr on" {
				t.Errorf("settings on the worker: %q", got)
			}
			write := postgres.Call{SQL: "INSERT INTO shop.orders VALUES (2, now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at", Write: true, Untrusted: true}
			only(t, "a write", answers(t, db, 1, 3, write), "")
			only(t, "a write on all shards", answers(t, db, 1, 3, postgres.Call{SQL: "DELETE FROM shop.orders WHERE id > $1::int", Args: [][]byte{[]byte("1")}, Write: true, Prepare: true}), "")
		})
	}
	t.Run("errors", func(t *testing.T) { citusErrors(t, coordinator, workers[0]) })
}

// citusErrors are those of the way to a worker, which name its address and the login.
func citusErrors(t *testing.T, coordinator, worker *demo.Cluster) {
	db, log := open(t, at(portOf(t, coordinator), demo.Superuser))
	all := postgres.Call{SQL: "SELECT string_agg(owner, ',') FROM notes", Identity: dan, Untrusted: true}
	check := func(what string, retryable bool) {
		t.Helper()
		a := call(t, db, all)
		e, ok := a.err.(*postgres.Error)
		if !ok || e.Retryable != retryable || strings.Contains(e.Message+e.Hint, "127.0.0.1") || strings.Contains(e.Message+e.Hint, "reader") {
			t.Errorf("%s: %#v, %s; want retryable %v and no name", what, a.err, a, retryable)
		}
		if !strings.Contains(log.String(), "reader@127.0.0.1:") {
			t.Errorf("%s: the log does not say why", what)
		}
		t.Log(a.err)
	}
	pgtest.Exec(t, coordinator.AdminURL(), "ALTER ROLE reader NOLOGIN")
	check("a role that may not log in", false)
	grant(t, coordinator.AdminURL())
	if got := call(t, db, all).String(); got != "dan" {
		t.Errorf("with LOGIN again: %s", got)
	}
	if err := worker.Halt(); err != nil {
		t.Fatal(err)
	}
	check("a worker that is down", true)
}
