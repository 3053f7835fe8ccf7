package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

func TestPacks(t *testing.T) { runCases(t, "testdata/packs", 50) }

// packArgs are the arguments of a call of each tool that needs some, and of those that show more with some.
var packArgs = map[string]string{
	"search_objects": `{"pattern": "%", "detail": "full"}`, "describe_table": `{"table_name": "app.customers"}`,
	"find_relationships": `{"table_name": "app.customers"}`, "get_foreign_keys": `{"table_name": "app.customers"}`,
	"list_tables": `{"schema": "app"}`, "list_functions": `{"schema": "app"}`, "list_indexes": `{"schema": "app"}`, "table_stats": `{"schema": "app"}`,
	"get_definition": `{"name": "handlers"}`, "profile_table": `{"table_name": "app.customers"}`, "get_dependent_rows": `{"table_name": "app.customers"}`, "active_queries": `{"include_idle": true}`, "long_transactions": `{"min_seconds": 0}`,
	"seq_scan_candidates": `{"min_bytes": 0}`,
}

// everyTool calls every embedded tool whose needs are met, and fails at an error.
func everyTool(t *testing.T, r *registry.Registry, db *callerDB, check func(tool, answer string)) {
	t.Helper()
	features, err := registry.Features(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range embeddedTools(t) {
		if tool.Requires.Unmet(features) != "" {
			continue
		}
		args := packArgs[tool.Name]
		if args == "" {
			args = "{}"
		}
		answer, isError := call(t, r, tool.Name, args)
		if isError && !strings.Contains(answer, "that this login may read") {
			t.Errorf("%s(%s) = %s", tool.Name, args, answer)
		}
		check(tool.Name, answer)
	}
}

// callerCase is a case for a caller of one schema.
func callerCase(role, schema string) exploreCase {
	return exploreCase{Caller: &exploreCaller{Role: role, Schemas: []string{schema}}}
}

func embeddedTools(t *testing.T) []*catalog.Tool {
	t.Helper()
	cat, err := catalog.Load(catalog.Source{FS: os.DirFS("../sql")})
	if err != nil {
		t.Fatal(err)
	}
	return cat.Tools
}

// TestEveryTool: no tool fails, whoever asks, and none shows a caller what is not the caller's.
func TestEveryTool(t *testing.T) {
	url := pgtest.URL(t)
	fixture, err := os.ReadFile("testdata/packs/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, string(fixture))
	_, plain := pgtest.Role(t, url)
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	if _, err := other.Exec(t.Context(), "SET application_name = 'app_of_others'; BEGIN; SELECT 'text_of_others'"); err != nil {
		t.Fatal(err)
	}
	nobody, analyst := exploreCase{}, callerCase("analyst", "app")
	clerk := callerCase("clerk", "app")
	clerk.Caller.Tables = []string{"app.customers", "app.handlers"}
	for _, login := range []struct{ name, url string }{{"superuser", url}, {"plain login", plain}} {
		db := bindCallers(t, openDB(t, login.url))
		r := buildAll(t, registry.Config{DB: db}, nil)
		for _, who := range []struct {
			name   string
			caller exploreCase
			hidden []string
		}{
			{"no caller", nobody, nil},
			{"schema", analyst, []string{"secret", "agents", "agent_check", "bloat", "parts", "tickets", "text_of_others", "app_of_others", "template1"}},
			{"tables", clerk, []string{"secret", "agents", "agent_check", "bloat", "discount", "order_lines", "orders_by", "totals", "text_of_others", "app_of_others"}},
		} {
			t.Run(login.name+"/"+who.name, func(t *testing.T) {
				db.as(who.caller)
				everyTool(t, r, db, func(tool, answer string) {
					for _, name := range who.hidden {
						if strings.Contains(answer, name) {
							t.Errorf("%s shows %s: %s", tool, name, answer)
						}
					}
				})
			})
		}
	}
}

// TestSchemas: the server in use describes the embedded tools as sql/schema says.
func TestSchemas(t *testing.T) {
	url := pgtest.URL(t)
	db := openDB(t, url)
	hasStatements := pgtest.HasExtension(t, url, "pg_stat_statements")
	if hasStatements {
		pgtest.Exec(t, url, "CREATE EXTENSION pg_stat_statements")
	}
	for _, tool := range embeddedTools(t) {
		if len(tool.Requires.Extensions) > 0 && !hasStatements {
			continue
		}
		d, err := db.Describe(t.Context(), tool.Statement.SQL)
		if err != nil {
			t.Errorf("describing %s: %v", tool.Name, err)
			continue
		}
		want := generatedSchema(t, tool)
		got, err := registry.OutputSchema(tool, d.Columns)
		if err != nil {
			t.Fatal(err)
		}
		if got == nil && want.Output == nil {
			continue
		}
		if diff := cmp.Diff(decode(t, string(want.Output)), decode(t, string(got))); diff != "" {
			t.Errorf("output schema of %s (-sql/schema +server):\n%s", tool.Name, diff)
		}
	}
}

// TestBlocking: who waits for whom, and how much of it a caller with a role is shown.
func TestBlocking(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE tills (id int PRIMARY KEY); INSERT INTO tills VALUES (1)")
	var sessions []*pgx.Conn
	for range 2 {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		sessions = append(sessions, conn)
	}
	if _, err := sessions[0].Exec(t.Context(), "BEGIN; LOCK TABLE tills"); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := sessions[1].Exec(t.Context(), "SELECT id FROM tills /* waits */")
		waited <- err
	}()
	for pgtest.Value(t, url, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tills'::regclass AND waitstart IS NOT NULL") == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	db := bindCallers(t, openDB(t, url))
	r := buildAll(t, registry.Config{DB: db}, nil)
	role := callerCase("analyst", "elsewhere")
	for _, c := range []struct {
		tool           string
		caller         exploreCase
		contain, lacks []string
	}{
		{"blocking_locks", exploreCase{}, []string{`"table_name":"public.tills"`, `/* waits */`, `LOCK TABLE tills`, `"blocking_is_first":true`, `"lock_mode":"AccessShareLock"`}, nil},
		{"blocking_locks", role, []string{`"waiting_pid":`, `"blocking_pid":`}, []string{"tills", "waits", "LOCK TABLE"}},
		{"active_queries", exploreCase{}, []string{`/* waits */`, `"wait_event_type":"Lock"`, `"blocked_by":[`}, nil},
		{"active_queries", role, []string{`"wait_event_type":"Lock"`}, []string{"tills", "waits"}},
		{"long_transactions", exploreCase{}, []string{`LOCK TABLE tills`, `"state":"idle in transaction"`}, nil},
		{"long_transactions", role, []string{`"state":"idle in transaction"`}, []string{"tills"}},
	} {
		args := packArgs[c.tool]
		if args == "" {
			args = "{}"
		}
		db.as(c.caller)
		answer, _ := call(t, r, c.tool, args)
		c.caller.Contains, c.caller.Lacks, c.caller.Tool = c.contain, c.lacks, c.tool
		checkAnswer(t, c.caller, answer)
	}
	if _, err := sessions[0].Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// TestTopQueries runs top_queries where it has something to show; no other view may take the place of pg_stat_statements.
func TestTopQueries(t *testing.T) {
	pgtest.NeedExtensions(t, pgtest.URL(t), "pg_stat_statements")
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements"}})
	url := c.AdminURL()
	pgtest.Exec(t, url, "CREATE EXTENSION pg_stat_statements")
	for range 3 {
		pgtest.Exec(t, url, "SELECT 1 AS marked_column")
	}
	db := bindCallers(t, openDB(t, url))
	r := buildAll(t, registry.Config{DB: db}, nil)
	ask := func(who exploreCase, args string) string {
		db.as(who)
		answer, isError := call(t, r, "top_queries", args)
		if isError {
			t.Errorf("top_queries(%s) = %s", args, answer)
		}
		return answer
	}
	for _, order := range []string{"total_ms", "mean_ms", "calls", "rows", "blocks_read", "temp_blocks"} {
		answer := ask(exploreCase{}, `{"order_by": "`+order+`", "limit": 200}`)
		checkAnswer(t, exploreCase{Tool: "top_queries", Contains: []string{"marked_column", `"calls":3`, `"total_ms":`, `"max_ms":`}}, answer)
	}
	role := callerCase("analyst", "app")
	role.Tool, role.Contains, role.Lacks = "top_queries", []string{`"calls":3`}, []string{"marked_column", "CREATE"}
	checkAnswer(t, role, ask(role, `{"limit": 200}`))

	pgtest.Exec(t, url, `
		DROP EXTENSION pg_stat_statements;
		CREATE SCHEMA apart; CREATE EXTENSION pg_stat_statements SCHEMA apart;
		CREATE FUNCTION public.trap() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
		CREATE VIEW public.pg_stat_statements AS SELECT 0::oid AS userid, d.oid AS dbid, public.trap() AS queryid, 1::bigint AS calls, 1::bigint AS rows,
			1::bigint AS shared_blks_hit, 1::bigint AS shared_blks_read, 1::bigint AS temp_blks_read, 1::bigint AS temp_blks_written, 'x'::text AS query
		FROM pg_database AS d`)
	pgtest.Exec(t, url, `SELECT 2 AS "<&>", 3`)
	found := exploreCase{Tool: "top_queries", Contains: []string{"CREATE EXTENSION pg_stat_statements SCHEMA apart", "<&>", `"statistics_since":"20`}}
	checkAnswer(t, found, ask(exploreCase{}, `{"limit": 200}`))
}

// TestOnStandby: every tool works while the server is in recovery.
func TestOnStandby(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"wal_level": "replica"}})
	url := c.AdminURL()
	fixture, err := os.ReadFile("testdata/packs/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, string(fixture)+"; CREATE UNLOGGED TABLE app.scratch (id serial)")
	dir := pgtest.Value(t, url, "SHOW data_directory")
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := bindCallers(t, openDB(t, url))
	everyTool(t, buildAll(t, registry.Config{DB: db}, nil), db, func(tool, answer string) {
		for name, want := range map[string]string{
			"replication": `"role":"standby"`, "vacuum_status": `{"items":[{"note":"This server is a standby: dead rows`, "table_stats": "A standby: scans are its own",
			"unused_indexes": `{"items":[{"note":"This server is a standby: it counts its own scans only`, "list_indexes": `"scans_note":"Scans on this standby alone."`,
			"seq_scan_candidates": `{"items":[{"note":"This server is a standby`,
		} {
			if tool == name && !strings.Contains(answer, want) {
				t.Errorf("%s = %s, want %s in it", tool, answer, want)
			}
		}
		for _, unknown := range []string{`"dead_rows"`, `"inserts"`, `"live_rows"`, `"is_overdue"`} {
			if strings.Contains(answer, unknown) {
				t.Errorf("%s tells %s, which a standby does not know: %s", tool, unknown, answer)
			}
		}
	})
}

// await waits until a condition holds: PostgreSQL 14 counts a moment later.
func await(t *testing.T, url, condition string) {
	t.Helper()
	for pgtest.Value(t, url, "SELECT "+condition) != "t" {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestSettingsOfOtherSessions: a call has limits of its own, which are not what others get.
func TestSettingsOfOtherSessions(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_lock_waits = off', current_database()); END $$;
		ALTER ROLE `+role+` SET work_mem = '1MB'`)
	r := buildAll(t, registry.Config{DB: openDB(t, roleURL)}, nil)
	got, _ := call(t, r, "settings_review", "{}")
	checkAnswer(t, exploreCase{Tool: "settings_review", Contains: []string{
		`{"level":"note","setting":"statement_timeout","value":"0","reason":"No limit`, `"setting":"idle_in_transaction_session_timeout","value":"0","reason"`,
	}, Lacks: []string{`"session"`, "1MB", `"30s"`}}, got)
}

// TestNumbersOfOtherNodes: what this server can't know of a table whose rows are on other nodes is not told as a number. Citus
// marks such a table with a trigger; no other part of it is needed here.
func TestNumbersOfOtherNodes(t *testing.T) {
	url := pgtest.NewCluster(t, demo.Config{}).AdminURL()
	pgtest.Exec(t, url, `SET allow_system_table_mods = on;
		CREATE FUNCTION pg_catalog.citus_truncate_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		RESET allow_system_table_mods;
		CREATE SCHEMA app;
		CREATE TABLE app.spread (id int PRIMARY KEY, a int, other int REFERENCES app.spread);
		CREATE INDEX spread_a ON app.spread (a); CREATE INDEX spread_a_again ON app.spread (a);
		INSERT INTO app.spread SELECT n, n FROM generate_series(1, 5000) AS n;
		CREATE TABLE app.here AS SELECT * FROM app.spread; CREATE INDEX here_a ON app.here (a);
		CREATE TRIGGER citus AFTER TRUNCATE ON app.spread EXECUTE FUNCTION pg_catalog.citus_truncate_trigger();
		DELETE FROM app.spread WHERE id > 100; SELECT count(*) FROM app.spread; SELECT count(*) FROM app.here`)
	pgtest.Exec(t, url, "VACUUM ANALYZE")
	await(t, url, "pg_stat_get_numscans('app.here'::regclass) > 0 AND pg_stat_get_blocks_fetched('app.here'::regclass) > 0 AND pg_stat_get_numscans('app.spread'::regclass) > 0")
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct {
		tool, args      string
		contains, lacks []string
	}{
		{"list_tables", `{"schema": "app"}`, []string{`"table_name":"here","table_type":"table","row_estimate":5000,`,
			`"table_name":"spread","table_type":"table","estimate_note":"The rows are on other nodes."}`}, nil},
		{"describe_table", `{"table_name": "app.spread"}`, []string{`"estimate_note":"The rows are on other nodes."`}, []string{"row_estimate"}},
		{"table_stats", `{"schema": "app", "table_name": "spread"}`, []string{`{"items":[{"schema":"app","table_name":"spread","note":"The rows are on other nodes, which count there."}]}`}, nil},
		{"list_indexes", `{"schema": "app", "table_name": "spread"}`, []string{`"scans_note":"The rows are on other nodes`}, []string{`"scans":`, "byte_estimate"}},
		{"unused_indexes", `{"schema": "app"}`, []string{`"index_name":"here_a"`, "rows are on other nodes, which count their own scans (2)."}, []string{"spread"}},
		{"seq_scan_candidates", `{"schema": "app", "min_bytes": 0}`, []string{`"table_name":"here"`, "rows are on other nodes, which count their own scans (1)."}, []string{"spread"}},
		{"duplicate_indexes", `{"schema": "app"}`, []string{`"index_name":"spread_a_again"`}, []string{"byte_estimate"}},
		{"missing_fk_indexes", `{}`, []string{`"table_name":"spread"`}, []string{"row_estimate"}},
		{"vacuum_status", `{"schema": "app"}`, []string{`"table_name":"here"`, "rows are on other nodes, where they are vacuumed (1)."}, []string{"spread"}},
		{"bloat_estimate", `{"schema": "app"}`, []string{`"table_name":"here"`}, []string{"spread"}},
		{"cache_hit", `{}`, []string{`"table_name":"here"`}, []string{"spread"}},
		{"database_overview", `{}`, []string{`"table_name":"here"`, `"tables_without_estimate":1`}, []string{"spread"}},
	} {
		answer, _ := call(t, r, c.tool, c.args)
		checkAnswer(t, exploreCase{Tool: c.tool, Contains: c.contains, Lacks: c.lacks}, answer)
	}
}

// TestNumbersThatAreNotKnown: of parents, of what was never analysed, and of counters that are young.
func TestNumbersThatAreNotKnown(t *testing.T) {
	url := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"autovacuum": "off"}}).AdminURL()
	pgtest.Exec(t, url, `CREATE SCHEMA app;
		CREATE TABLE app.parent (id int, a int); CREATE TABLE app.child () INHERITS (app.parent); CREATE TABLE app.grandchild () INHERITS (app.child);
		CREATE INDEX parent_a ON app.parent (a); INSERT INTO app.child SELECT n FROM generate_series(1, 70) AS n; INSERT INTO app.grandchild VALUES (1), (2);
		CREATE TABLE app.whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE app.known PARTITION OF app.whole FOR VALUES FROM (0) TO (100); CREATE TABLE app.unknown PARTITION OF app.whole FOR VALUES FROM (100) TO (200);
		INSERT INTO app.whole SELECT n FROM generate_series(0, 149) AS n; ANALYZE app.parent, app.child, app.grandchild, app.known;
		CREATE TABLE app.never (id int PRIMARY KEY, other int); CREATE INDEX never_other ON app.never (other);
		CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE app.far (id int) SERVER nowhere;
		INSERT INTO app.never SELECT n FROM generate_series(1, 1000) AS n; SELECT count(*) FROM app.never`)
	await(t, url, "pg_stat_get_tuples_inserted('app.never'::regclass) = 1000 AND pg_stat_get_numscans('app.never'::regclass) > 0 AND "+
		"pg_stat_get_tuples_inserted('app.known'::regclass) + pg_stat_get_tuples_inserted('app.unknown'::regclass) = 150")
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct {
		tool, args      string
		contains, lacks []string
	}{
		{"list_tables", `{"schema": "app"}`, []string{`"table_name":"parent","table_type":"table","row_estimate":72,"byte_estimate":16384}`, `"table_name":"never","table_type":"table"}`,
			`"table_name":"whole","table_type":"partitioned table","row_estimate":100,"byte_estimate":8192,"estimate_note":"1 of 2 parts were never analysed, and are not counted."`}, nil},
		{"describe_table", `{"table_name": "app.parent"}`, []string{`"row_estimate":72`}, []string{"estimate_note"}},
		{"describe_table", `{"table_name": "app.whole"}`, []string{`"row_estimate":100`, `"estimate_note":"1 of 2 parts`}, nil},
		{"table_stats", `{"schema": "app", "table_name": "parent"}`, []string{`"note":"Sums of 3 parts."`, `"row_estimate":72`, `"table_bytes":16384`, `"statistics_since":"20`}, nil},
		{"table_stats", `{"schema": "app", "table_name": "whole"}`, []string{`"note":"Sums of 2 parts, of which 1 were never analysed."`, `"inserts":150`}, nil},
		{"table_stats", `{"schema": "app", "table_name": "far"}`, []string{`{"items":[{"schema":"app","table_name":"far","note":"A foreign table: its rows are on another server, which counts there."}]}`}, nil},
		{"list_tables", `{"schema": "app", "table_types": ["foreign table"]}`, []string{`{"items":[{"schema":"app","table_name":"far","table_type":"foreign table"}]}`}, nil},
		{"table_stats", `{"schema": "app", "table_name": "never"}`, []string{`"inserts":1000`}, []string{"row_estimate", "_bytes", `"note"`}},
		{"list_indexes", `{"schema": "app", "table_name": "never"}`, []string{`"scans":0`, `"statistics_since":"20`}, []string{"byte_estimate"}},
		{"unused_indexes", `{}`, []string{`"note":"The statistics are younger than a week: too young`, `"index_name":"never_other","scans":0,"definition"`, `"statistics_since":"20`}, nil},
		{"seq_scan_candidates", `{}`, []string{`never analysed, whose size is not known (`, `younger than a week`}, []string{`"table_name":"never"`}},
		{"seq_scan_candidates", `{"min_bytes": 0}`, []string{`"table_name":"never"`}, nil},
		{"vacuum_status", `{}`, []string{`"note":"The counters run since 20`}, nil},
		{"database_overview", `{}`, []string{`"statistics_since":"20`, `"tables_without_estimate":2`}, []string{`"table_name":"never"`}},
	} {
		answer, _ := call(t, r, c.tool, c.args)
		checkAnswer(t, exploreCase{Tool: c.tool, Contains: c.contains, Lacks: c.lacks}, answer)
	}
}
