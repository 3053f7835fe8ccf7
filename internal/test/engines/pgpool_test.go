package engines_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// standby makes one of a cluster, and gives its port.
func standby(t *testing.T, primary *demo.Cluster) string {
	t.Helper()
	bin := filepath.Dir(pgtest.Value(t, primary.AdminURL(), "SELECT setting || '/x' FROM pg_config WHERE name = 'BINDIR'"))
	data := filepath.Join(primary.Dir(), "standby")
	backup := exec.Command(filepath.Join(bin, "pg_basebackup"), "-h", "127.0.0.1", "-p", portOf(t, primary), "-U", demo.Superuser, "-D", data, "-R", "-X", "stream", "-c", "fast")
	backup.Dir, backup.SysProcAttr = "/", as(t, primary.User())
	if out, err := backup.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	port := pgtest.FreePort(t)
	start(t, primary.User(), "/", filepath.Join(bin, "postgres"), "-D", data, "-c", "port="+port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	await(t, at(port, demo.Superuser), "SELECT 1")
	return port
}

// pgpool stands before servers on the given ports, the first of which is the primary; its own port is returned.
func pgpool(t *testing.T, c *demo.Cluster, settings map[string]string, ports ...string) string {
	t.Helper()
	program, dir, port := installed(t, "pgpool", "pgpool2"), filepath.Join(c.Dir(), "pgpool"+pgtest.FreePort(t)), pgtest.FreePort(t)
	conf := map[string]string{
		"backend_clustering_mode": "streaming_replication", "listen_addresses": "127.0.0.1", "port": port, "socket_dir": dir, "pcp_port": pgtest.FreePort(t),
		"pcp_socket_dir": dir, "pid_file_name": dir + "/pid", "logdir": dir, "pool_passwd": "", "enable_pool_hba": "off", "sr_check_user": demo.Superuser,
		"sr_check_period": "5", "health_check_period": "0", "num_init_children": "16", "max_pool": "1", "memory_cache_enabled": "off",
	}
	for i, backend := range ports {
		n := strconv.Itoa(i)
		conf["backend_hostname"+n], conf["backend_port"+n], conf["backend_weight"+n] = "127.0.0.1", backend, "1"
	}
	maps.Copy(conf, settings)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, conf[name])
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // pgpool runs as the account of the cluster
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pgpool.conf")
	for path, content := range map[string]string{file: text.String(), filepath.Join(dir, "pcp.conf"): ""} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start(t, c.User(), dir, program, "-n", "-f", file, "-F", filepath.Join(dir, "pcp.conf"))
	await(t, at(port, demo.Superuser), "SELECT 1")
	return port
}

// TestPgpoolByStatement has pgpool send each SELECT to any of two nodes: what a call sets must be in force on both.
func TestPgpoolByStatement(t *testing.T) {
	primary := cluster(t, demo.Config{Settings: map[string]string{"wal_level": "replica", "max_wal_senders": "5"}})
	pgtest.Exec(t, primary.AdminURL(), shop)
	second := standby(t, primary)
	await(t, at(second, demo.Superuser), "SELECT 1 / count(*) FROM shop.notes")
	// With off, a SET in the transaction does not keep what follows on the primary.
	for _, onWrite := range []string{"transaction", "off"} {
		port := pgpool(t, primary, map[string]string{
			"load_balance_mode": "on", "statement_level_load_balance": "on", "write_function_list": "nextval,setval",
			"disable_load_balance_on_write": onWrite,
		}, portOf(t, primary), second)
		for _, words := range []string{"", "&pgbouncer=true"} {
			t.Run(onWrite+words, func(t *testing.T) { onBothNodes(t, at(port, demo.Superuser)+words) })
		}
	}
}

func onBothNodes(t *testing.T, url string) {
	db, log := open(t, url)
	for _, keep := range []bool{false, true} {
		for what, test := range map[string]struct{ sql, want string }{
			"a table that the database role may not read": {"SELECT count(*) FROM products", "42501"},
			"the rows of the caller":                      {"SELECT string_agg(owner, ',' ORDER BY owner) FROM notes", "dan"},
			"who the caller is":                           {"SELECT current_user, current_setting('mcp.role'), current_setting('request.jwt.claims')", `reader dbr {"sub":"dan"}`},
			"the limits":                                  {"SELECT current_setting('statement_timeout'), current_setting('lock_timeout')", "30s 10s"},
			"the session":                                 {"SELECT current_setting('timezone'), current_setting('datestyle'), current_setting('bytea_output')", "UTC ISO, YMD hex"},
		} {
			only(t, what, answers(t, db, 4, 10, postgres.Call{SQL: test.sql, Identity: dan, Prepare: keep, Untrusted: !keep}), test.want)
		}
	}
	nodes := answers(t, db, 4, 25, postgres.Call{SQL: "SELECT pg_is_in_recovery()", Identity: dan})
	t.Logf("of 100 statements ran on the standby: %d; a pooler was found: %v", nodes["t"], strings.Contains(log.String(), "pooler found"))
	write := postgres.Call{SQL: "INSERT INTO shop.orders SELECT max(id) + 1, now() FROM shop.orders", Write: true, Untrusted: true}
	only(t, "a write", answers(t, db, 1, 5, write), "")
	if got := call(t, db, postgres.Call{SQL: "SELECT 1 / 0", Identity: dan, Untrusted: true}).String(); got != "22012" {
		t.Errorf("an error of the statement: %s, want 22012", got)
	}
	if got := call(t, db, postgres.Call{SQL: "SELECT pg_sleep(60)", Timeout: 300 * time.Millisecond, Identity: dan, Untrusted: true}).String(); got != "57014" {
		t.Errorf("a statement over its limit: %s, want 57014", got)
	}
}

// TestPgpoolWithFewPlaces has fewer than the calls want: they wait for one another.
func TestPgpoolWithFewPlaces(t *testing.T) {
	c := cluster(t, demo.Config{})
	port := pgpool(t, c, map[string]string{"num_init_children": "2", "sr_check_period": "0"}, portOf(t, c))
	db, _ := open(t, at(port, demo.Superuser))
	only(t, "8 threads, 5 calls each", answers(t, db, 8, 5, postgres.Call{SQL: "SELECT 1", Untrusted: true}), "1")
}
