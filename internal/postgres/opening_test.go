package postgres_test

import (
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestOpening: the connections that are kept come by themselves, and the first call needs no other; unless the first one is late.
func TestOpening(t *testing.T) {
	other, url := open(t, pgtest.URL(t)), pgtest.URL(t)
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	db := open(t, url+separator+"application_name=opening", func(c *postgres.Config) { c.MinConns = 4 })
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got, _ := run(t, other, postgres.Call{SQL: "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'opening'"})
		if count := got.json[0]; count == "[4]" || count == "[5]" {
			return
		} else if time.Now().After(end) {
			t.Fatalf("there are %s connections, want the 4 that are kept", count)
		}
	}
}

// TestOpeningOfMany: calls that come together at the start are all answered, also without connections that are kept.
func TestOpeningOfMany(t *testing.T) {
	for _, most := range []int{1, 2, 10} {
		db := open(t, pgtest.URL(t), func(c *postgres.Config) { c.MinConns, c.MaxConns = -1, most })
		errs := make(chan error, 20)
		for range cap(errs) {
			go func() {
				_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("with %d connections at most: %v", most, err)
			}
		}
	}
}
