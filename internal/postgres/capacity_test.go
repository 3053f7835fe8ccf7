package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// together has several threads call at once, and gives each error that came.
func together(t *testing.T, db *postgres.DB, threads, times int) (failed []error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range threads {
		all.Go(func() {
			for range times {
				if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Foreign: true}, &rows{}); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return failed
}

// TestFewerConnectionsThanThePool: a login that gets no more connections has its calls wait for those that it has, and uses
// more when they can be had again.
func TestFewerConnectionsThanThePool(t *testing.T) {
	admin := pgtest.URL(t)
	name, url := pgtest.Role(t, admin)
	for _, limit := range []int{1, 2} {
		t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) {
			pgtest.Exec(t, admin, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", name, limit))
			log := &lines{}
			if failed := together(t, open(t, url, log.into), 8, 5); failed != nil {
				t.Error(failed)
			}
			if n := strings.Count(log.String(), "no more connections can be had"); n > 1 {
				t.Errorf("it is logged %d times, want once:\n%s", n, log.String())
			}
		})
	}
	pgtest.Exec(t, admin, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT 0", name))
	for _, err := range together(t, open(t, url), 8, 1) {
		if down := (*postgres.Unavailable)(nil); !errors.As(err, &down) || !strings.Contains(down.Reason, "53300") {
			t.Errorf("without any connection: %v, want 53300", err)
		}
	}
}

// TestNoConnectionAtAll: of calls that come together, each is answered as soon as one is.
func TestNoConnectionAtAll(t *testing.T) {
	db := open(t, "postgres://nobody@127.0.0.1:"+pgtest.FreePort(t)+"/x?sslmode=disable")
	failed := together(t, db, 50, 1)
	for _, err := range failed {
		if down := (*postgres.Unavailable)(nil); !errors.As(err, &down) {
			t.Errorf("%v, want that the database can't be reached", err)
		}
	}
	if len(failed) != 50 {
		t.Errorf("%d of 50 calls failed", len(failed))
	}
}
