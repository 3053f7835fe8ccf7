package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"mcp-postgres/internal/demo"
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
				if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Untrusted: true}, &rows{}); err != nil {
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

// TestFewerConnectionsThanThePool: a login that gets no more connections has its calls wait for those that it has, and
// uses more when they can be had again.
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
	wantNoConnection(t, url, "the login has all the connections that its CONNECTION LIMIT allows")
	pgtest.Exec(t, admin, "ALTER ROLE "+name+" CONNECTION LIMIT -1")
	pgtest.Exec(t, admin, "ALTER DATABASE "+pgtest.Value(t, admin, "SELECT quote_ident(current_database())")+
		" CONNECTION LIMIT 0")
	wantNoConnection(t, url, "the database has all the connections that its CONNECTION LIMIT allows")
}

// wantNoConnection checks that calls are told whose limit stops them.
func wantNoConnection(t *testing.T, url, reason string) {
	t.Helper()
	failed := together(t, open(t, url), 8, 1)
	if len(failed) != 8 {
		t.Errorf("%d calls of 8 fail", len(failed))
	}
	for _, err := range failed {
		if down := (*postgres.Unavailable)(nil); !errors.As(err, &down) || !strings.Contains(down.Reason, reason) ||
			!strings.Contains(down.Reason, "53300") {
			t.Errorf("without any connection: %v, want %q and 53300", err, reason)
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

// TestOpening: the connections that are kept come by themselves, and the first call needs no other; unless the first
// one is late.
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

// TestIdlePool: without calls no connection is kept, and the next call has one.
func TestIdlePool(t *testing.T) {
	url := pgtest.URL(t)
	count := func() string {
		return pgtest.Value(t, url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mcp-postgres' AND datname = current_database()")
	}
	db := open(t, url, func(c *postgres.Config) { c.IdleTime = 300 * time.Millisecond })
	for range 2 {
		if failed := together(t, db, 4, 5); failed != nil {
			t.Fatal(failed)
		}
		waitUntil(t, "the connections are closed", func() bool { return count() == "0" && db.Stats().Idle == 0 })
	}
	kept := open(t, url, func(c *postgres.Config) { c.MinConns, c.IdleTime = 2, 50*time.Millisecond })
	if failed := together(t, kept, 4, 5); failed != nil {
		t.Fatal(failed)
	}
	waitUntil(t, "two connections are kept", func() bool { return count() == "2" })
}

// TestRefusedLogin: a login that is refused is not tried for each call, and is tried again when it may have been
// mended.
func TestRefusedLogin(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	var tries atomic.Int64
	url := porter(t, c.URL(), func(*pgproto3.StartupMessage) pgproto3.BackendMessage { tries.Add(1); return nil })
	passfile := filepath.Join(t.TempDir(), "passfile")
	t.Setenv("PGPASSFILE", passfile)
	password := func(text string) {
		if err := os.WriteFile(passfile, []byte("*:*:*:*:"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	password("wrong")
	before, after, _ := strings.Cut(url, "@")
	right := before[strings.LastIndex(before, ":")+1:]
	db := open(t, "postgres://demo@"+after)
	paused := 0
	for range 500 {
		_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
		down := (*postgres.Unavailable)(nil)
		if !errors.As(err, &down) || !strings.Contains(down.Reason, "refuses the login (SQLSTATE 28P01)") {
			t.Fatalf("Run with a wrong password = %v", err)
		}
		if strings.Contains(down.Reason, "it is not tried again for ") {
			paused++
		}
	}
	if n := tries.Load(); paused == 0 || n+int64(paused) > 502 {
		t.Errorf("500 calls made %d tries, %d were answered without one", n, paused)
	}
	password(right)
	waitUntil(t, "the new password is used", func() bool {
		_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
		return err == nil
	})
}
