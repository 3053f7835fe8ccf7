package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	canary   = "CANARY-4f1c"
	database = "corpus"
	template = "corpus_template"
)

// world is a server with the fixtures, and its observer: a superuser whose session must live and hear of nothing.
type world struct {
	cluster  *demo.Cluster
	url      string // of a superuser
	made     bool   // the template is there
	fill     *strings.Replacer
	state    string // the SQL of world.sql
	observer *pgx.Conn
	heard    int    // notifications
	version  int    // of PostgreSQL
	end      string // of the write-ahead log at the last look
	written  int    // records that only an attack writes to it
}

// newWorld starts a server that everything is allowed on.
func newWorld(t *testing.T) *world {
	t.Helper()
	pgtest.NeedExtensions(t, pgtest.URL(t), "pg_stat_statements")
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{
		"wal_level": "logical", "max_wal_senders": "4", "max_prepared_transactions": "4", "max_replication_slots": "10",
		"shared_preload_libraries": "pg_stat_statements", "max_connections": "60", "checkpoint_timeout": "1h",
		"synchronous_commit": "on", "wal_keep_size": "256MB",
	}})
	conf, err := pgx.ParseConfig(c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cluster: c, url: fmt.Sprintf("host=%s port=%d user=%s dbname=%s", conf.Host, conf.Port, conf.User, database), state: file(t, "world.sql")}
	w.fill = strings.NewReplacer("{{data}}", c.Dir()+"/data", "{{conn}}", w.url+" application_name=back",
		"{{fdw}}", fmt.Sprintf("host '%s', port '%d', dbname '%s'", conf.Host, conf.Port, database))
	pgtest.Exec(t, c.AdminURL(), "CREATE ROLE corpus_tenant LOGIN")
	w.version = pgtest.Version(t, c.AdminURL())
	w.create(t)
	t.Cleanup(func() {
		if w.observer != nil {
			_ = w.observer.Close(context.Background())
		}
	})
	return w
}

// create makes the database, and all anew if something has been at it.
func (w *world) create(t *testing.T) {
	t.Helper()
	if w.observer != nil {
		_ = w.observer.Close(context.Background()) // an attack may have ended it
		w.observer = nil
	}
	if _, err := w.cluster.AddFile("data/canary.txt", []byte(canary)); err != nil {
		t.Fatal(err)
	}
	admin := w.cluster.AdminURL()
	if w.made { // what keeps a database from being dropped
		leftovers := pgtest.Value(t, w.url, "SELECT string_agg(format('ROLLBACK PREPARED %L;', gid), '') FROM pg_prepared_xacts")
		pgtest.Exec(t, w.url, leftovers+"DROP SUBSCRIPTION IF EXISTS s")
		pgtest.Exec(t, admin, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
	}
	pgtest.Exec(t, admin, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
	if !w.made {
		made := strings.Replace(w.url, "dbname="+database, "dbname="+template, 1)
		pgtest.Exec(t, admin, "CREATE DATABASE "+template)
		if err := demo.LoadSample(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, made, w.fill.Replace(file(t, "fixtures.sql")))
		w.made = true
	}
	pgtest.Exec(t, admin, "CREATE DATABASE "+database+" TEMPLATE "+template)
	pgtest.Exec(t, admin, "ALTER DATABASE "+database+" SET search_path = "+demo.SearchPath)
	pgtest.Exec(t, w.url, "SELECT pg_create_logical_replication_slot('kept', 'test_decoding'), pg_create_physical_replication_slot('kept2', true)")
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// look gives the state of everything that an attack may change. A dead observer is part of it.
func (w *world) look(t *testing.T) map[string]string {
	t.Helper()
	seen, err := w.ask(t)
	if dead := (*pgconn.PgError)(nil); errors.As(err, &dead) && dead.Code != "57P01" && dead.Code != "57014" {
		t.Fatalf("looking at the world: %v", err)
	}
	if err == nil {
		return seen
	}
	_ = w.observer.Close(context.Background())
	w.observer = nil
	if seen, err = w.ask(t); err != nil {
		t.Fatalf("looking at the world: %v", err)
	}
	return seen
}

func (w *world) ask(t *testing.T) (map[string]string, error) {
	t.Helper()
	if w.observer == nil {
		w.connect(t)
	}
	seen := map[string]string{"observer": fmt.Sprint(w.observer.PgConn().PID())}
	rows, err := w.observer.Query(t.Context(), w.state)
	if err != nil {
		return nil, err
	}
	var what, is string
	_, err = pgx.ForEachRow(rows, []any{&what, &is}, func() error {
		seen[what] = is
		return nil
	})
	if err != nil {
		return nil, err
	}
	seen["notifications"] = fmt.Sprint(w.heard)
	seen["log records"], err = w.records(t.Context())
	return seen, err
}

func (w *world) connect(t *testing.T) {
	t.Helper()
	conf, err := pgx.ParseConfig(w.url + " application_name=observer")
	if err != nil {
		t.Fatal(err)
	}
	conf.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) { w.heard++ }
	if w.observer, err = pgx.ConnectConfig(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	if _, err := w.observer.Exec(t.Context(), "LISTEN corpus"); err != nil {
		t.Fatal(err)
	}
}

// changes names what differs.
func changes(before, after map[string]string) []string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(after)) {
		if before[what] != after[what] {
			all = append(all, fmt.Sprintf("%s: %.60s -> %.60s", what, before[what], after[what]))
		}
	}
	for what := range before {
		if _, ok := after[what]; !ok {
			all = append(all, what+" is gone")
		}
	}
	return all
}

// fits reports whether the server has what the case is about.
func (w *world) fits(t *testing.T, c *kase) bool {
	t.Helper()
	return w.version >= c.Since && (c.Until == 0 || w.version <= c.Until) && (c.Needs == "" || pgtest.HasExtension(t, w.url, c.Needs))
}

// records counts what only an attack writes to the write-ahead log, since the last look and before. PostgreSQL 14 has
// nothing to read its log with.
func (w *world) records(ctx context.Context) (string, error) {
	if w.version < 15 {
		return "", nil
	}
	var end string
	if _, err := w.observer.Exec(ctx, "INSERT INTO observer.looks VALUES (1)"); err != nil {
		return "", err
	}
	if err := w.observer.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&end); err != nil {
		return "", err
	}
	if w.end != "" && w.end != end {
		n := 0
		err := w.observer.QueryRow(ctx, `SELECT count(*) FROM pg_get_wal_records_info($1::pg_lsn, $2::pg_lsn)
			WHERE resource_manager = 'LogicalMessage' OR record_type IN ('RESTORE_POINT', 'SWITCH', 'BACKUP_END', 'CHECKPOINT_ONLINE')`, w.end, end).Scan(&n)
		if err != nil {
			return "", err
		}
		w.written += n
	}
	w.end = end
	return fmt.Sprint(w.written), nil
}
