package postgres_test

import (
	"log/slog"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

const applicationName = "SELECT current_setting('application_name')"

func TestApplication(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	for name, url := range map[string]string{
		"direct": c.URL(), "own name": c.URL() + "&application_name=mine", "PgBouncer": pgtest.PgBouncer(t, c, map[string]string{"default_pool_size": "1"}),
	} {
		db, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		usual := "mcp-postgres"
		if name == "own name" {
			usual = "mine"
		}
		const traced = "mcp-postgres trace=4bf92f3577b34da6a3ce929d0e0e4736"
		verify := &postgres.Verify{Names: []string{"pg_catalog.pg_class"}, OIDs: []uint32{1259}}
		for i, call := range []postgres.Call{
			{}, {Application: traced}, {}, {Application: traced, Write: true, Untrusted: true}, {}, {Application: traced, Verify: verify, Prepare: true},
			{Application: traced, Identity: &postgres.SessionIdentity{SearchPath: "public"}, Verify: verify}, {Verify: verify}, {Untrusted: true},
		} {
			call.SQL = applicationName
			want := usual
			if call.Application != "" {
				want = call.Application
			}
			var got values
			if _, err := db.Run(t.Context(), call, &got); err != nil || len(got) != 1 || got[0] != want {
				t.Errorf("%s, call %d: the application is %q, %v; want %q", name, i, got, err, want)
			}
		}
		if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1/0", Application: traced}, new(values)); err == nil {
			t.Errorf("%s: no error of the statement", name)
		}
		stale := &postgres.Verify{Names: []string{"pg_catalog.pg_class"}, OIDs: []uint32{1}}
		if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Application: traced, Verify: stale}, new(values)); err != postgres.ErrChanged {
			t.Errorf("%s: a name that changed = %v, want ErrChanged", name, err)
		}
	}
}

// values collects the first column.
type values []string

func (*values) Columns([]postgres.Column) {}

func (v *values) Row(row [][]byte) bool {
	*v = append(*v, string(row[0]))
	return true
}
