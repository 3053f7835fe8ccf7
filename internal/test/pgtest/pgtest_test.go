package pgtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const userTables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')"

func TestURLIsFreshAndEmpty(t *testing.T) {
	one, two := pgtest.URL(t), pgtest.URL(t)
	if one == two {
		t.Fatalf("URL() = %q twice, want two databases", one)
	}
	pgtest.Exec(t, one, "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)")
	got := []string{
		pgtest.Value(t, one, "SELECT sum(id) FROM t"),
		pgtest.Value(t, two, userTables),
		pgtest.Value(t, two, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"),
		pgtest.Value(t, two, "SELECT NULL"),
	}
	if diff := cmp.Diff([]string{"3", "0", "t", ""}, got); diff != "" {
		t.Errorf("fresh databases (-want +got):\n%s", diff)
	}
}

func TestURLIsDroppedWithItsTest(t *testing.T) {
	url := pgtest.URL(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		name = pgtest.Value(t, pgtest.URL(t), "SELECT current_database()")
	})
	if got := pgtest.Value(t, url, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); got != "0" {
		t.Errorf("databases named %s after its test = %s, want 0", name, got)
	}
}

func TestDemo(t *testing.T) {
	for range 2 {
		url := pgtest.Demo(t)
		if got := pgtest.Value(t, url, "SELECT count(*) FROM orders JOIN invoices ON order_id = orders.id"); got == "0" {
			t.Errorf("orders with invoices in %s = %s, want some", url, got)
		}
		pgtest.Exec(t, url, "DROP SCHEMA shop, billing CASCADE") // no matter to the next
	}
}

func TestRoleHasNoRights(t *testing.T) {
	url := pgtest.Demo(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		var roleURL string
		name, roleURL = pgtest.Role(t, url)
		if got := pgtest.Value(t, roleURL, "SELECT current_user || ' ' || has_schema_privilege('shop', 'usage')"); got != name+" false" {
			t.Errorf("role and its right = %q, want %q", got, name+" false")
		}
		pgtest.Exec(t, url, "CREATE SCHEMA s AUTHORIZATION "+name)
	})
	if got := pgtest.Value(t, url, "SELECT count(*) FROM pg_roles WHERE rolname = '"+name+"'"); got != "0" {
		t.Errorf("roles named %s after its test = %s, want 0", name, got)
	}
}

func TestNewClusterComesAndGoes(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	url := c.URL()
	pgtest.Exec(t, url, "CREATE TABLE kept (id int)")
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	if got := c.PID(); got != 0 {
		t.Errorf("PID() of a halted cluster = %d, want 0", got)
	}
	for range 2 {
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := pgtest.Value(t, url, "SELECT count(*) FROM kept"); got != "0" {
			t.Errorf("rows after Restart = %s, want 0", got)
		}
	}
}

// verdict is a test that only notes how it ended.
type verdict struct {
	testing.TB
	words []string
}

func (v *verdict) Helper()      {}
func (v *verdict) Skip(...any)  { v.words = append(v.words, "skip") }
func (v *verdict) Fatal(...any) { v.words = append(v.words, "fail") }

func TestSkipRule(t *testing.T) {
	missing := errors.Join(demo.ErrNotInstalled)
	for _, tt := range []struct {
		name, ci string
		err      error
		want     string
	}{
		{"nothing installed", "", missing, "skip"},
		{"nothing installed in CI", "true", missing, "fail"},
		{"another fault", "", errors.New("disk full"), "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			v := &verdict{}
			pgtest.GiveUp(v, tt.err)
			if got := strings.Split(strings.Join(v.words, " "), " ")[0]; got != tt.want {
				t.Errorf("GiveUp(%v) = %s, want %s", tt.err, got, tt.want)
			}
		})
	}
}
