package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// turn counts what becomes of the turn of a call.
type turn struct {
	mu                sync.Mutex
	kept, stuck, free int
}

func (u *turn) count(n *int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	*n++
}

func (u *turn) Keep() postgres.Kept { u.count(&u.kept); return u }
func (u *turn) Stuck()              { u.count(&u.stuck) }
func (u *turn) Free()               { u.count(&u.free) }

func (u *turn) seen() [3]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return [3]int{u.kept, u.stuck, u.free}
}

// waitUntil waits for what comes by itself.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("waited in vain for: %s", what)
}

// backendOf waits for the backend of a statement that ends in mark.
func backendOf(t *testing.T, url, mark string) (pid int) {
	t.Helper()
	waitUntil(t, "the statement "+mark, func() bool {
		pid, _ = strconv.Atoi(pgtest.Value(t, url, "SELECT coalesce(max(pid), 0) FROM pg_stat_activity "+
			"WHERE state = 'active' AND query LIKE '%-- "+mark+"' AND pid <> pg_backend_pid()"))
		return pid != 0
	})
	return pid
}

// freeze makes a process deaf to everything, as a long computation does, until the function it returns is called.
func freeze(t *testing.T, pid int) (thaw func()) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	thaw = func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	t.Cleanup(thaw)
	return thaw
}

const ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mcp-postgres'"

func TestStuckBackendKeepsItsPlace(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	db := open(t, c.URL(), func(conf *postgres.Config) { conf.MinConns, conf.MaxConns = -1, 2 })
	var u turn
	answer := make(chan error, 1)
	call := postgres.Call{SQL: "SELECT pg_sleep(600) -- frozen", Timeout: 2 * time.Second, Untrusted: true, Turn: &u, Tool: "query"}
	go func() {
		_, err := db.Run(t.Context(), call, &rows{})
		answer <- err
	}()
	pid := backendOf(t, c.AdminURL(), "frozen")
	thaw := freeze(t, pid)
	if e := (*postgres.Error)(nil); !errors.As(<-answer, &e) || e.Code != "57014" || !strings.Contains(e.Message, "time limit of 2s") {
		t.Errorf("Run of a statement that nothing stops = %v, want 57014 and its time limit", e)
	}
	waitUntil(t, "the backend is known", func() bool { return len(db.Stuck()) == 1 })
	if got := db.Stuck()[0]; int(got.PID) != pid || got.Tool != "query" || got.Since.IsZero() {
		t.Errorf("Stuck() = %+v, want backend %d of query", got, pid)
	}
	if got := u.seen(); got != [3]int{1, 1, 0} {
		t.Errorf("the turn was kept, stuck, freed %v times, want once, once and not yet", got)
	}
	for range 5 { // the other connection serves them
		run(t, db, postgres.Call{SQL: "SELECT 1", Untrusted: true})
	}
	if got := pgtest.Value(t, c.AdminURL(), ours); got != "2" {
		t.Errorf("the pool of 2 has %s backends, want 2 with the one that is stuck", got)
	}
	if s := db.Stats(); s.Stuck != 1 {
		t.Errorf("Stats() = %+v, want one that is stuck", s)
	}
	thaw()
	waitUntil(t, "all is as before", func() bool { return len(db.Stuck()) == 0 && u.seen() == [3]int{1, 1, 1} })
	waitUntil(t, "the backend is gone", func() bool { return pgtest.Value(t, c.AdminURL(), ours) == "1" })
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

// TestStuckBackendsLeaveHalf: when half of the pool is taken for good, only tools are served, whoever asks.
func TestStuckBackendsLeaveHalf(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	db := open(t, c.URL(), func(conf *postgres.Config) { conf.MinConns, conf.MaxConns = -1, 3 })
	var calls sync.WaitGroup
	for _, mark := range []string{"first", "second"} {
		calls.Go(func() {
			call := postgres.Call{SQL: "SELECT pg_sleep(600) -- " + mark, Timeout: 2 * time.Second, Untrusted: true}
			_, _ = db.Run(t.Context(), call, &rows{})
		})
		freeze(t, backendOf(t, c.AdminURL(), mark))
	}
	calls.Wait()
	waitUntil(t, "both are known", func() bool { return len(db.Stuck()) == 2 })
	_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Untrusted: true}, &rows{})
	var e *postgres.Error
	if !errors.As(err, &e) || e.Code != "53300" || !e.Retryable || !strings.Contains(e.Message, "2 connections") {
		t.Errorf("a caller's SQL = %v, want 53300, retryable", err)
	}
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

// TestToolsAreServedWhateverCallersSend: callers' SQL that begins at once, before anybody knows that it can't be
// stopped, has three quarters of the pool and no more.
func TestToolsAreServedWhateverCallersSend(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	db := open(t, c.URL(), func(conf *postgres.Config) { conf.MinConns, conf.MaxConns = -1, 4 })
	var calls sync.WaitGroup
	for n := range 8 {
		calls.Go(func() {
			call := postgres.Call{SQL: "SELECT pg_sleep(600) -- call " + strconv.Itoa(n), Timeout: 3 * time.Second, Untrusted: true}
			if _, err := db.Run(t.Context(), call, &rows{}); code(err) != "57014" && code(err) != "53300" {
				t.Errorf("a caller's SQL = %v, want 57014, or 53300 of those that wait", err)
			}
		})
	}
	const running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%-- call _'"
	waitUntil(t, "three run", func() bool { return pgtest.Value(t, c.AdminURL(), running) == "3" })
	for _, pid := range strings.Fields(pgtest.Value(t, c.AdminURL(), "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%-- call _'")) {
		n, _ := strconv.Atoi(pid)
		freeze(t, n)
	}
	for range 5 {
		run(t, db, postgres.Call{SQL: "SELECT 1"})
	}
	calls.Wait()
	waitUntil(t, "all three are known", func() bool { return len(db.Stuck()) == 3 })
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Untrusted: true}, &rows{}); code(err) != "53300" {
		t.Errorf("a caller's SQL = %v, want 53300", err)
	}
}

// TestCloseWithStuckBackend: the end of the server does not wait for what can't be stopped.
func TestCloseWithStuckBackend(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	db, err := postgres.Open(t.Context(), postgres.Config{URL: c.URL(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := db.Run(ctx, postgres.Call{SQL: "SELECT pg_sleep(600) -- cancelled"}, &rows{})
		answer <- err
	}()
	freeze(t, backendOf(t, c.AdminURL(), "cancelled"))
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	waitUntil(t, "the backend is known", func() bool { return len(db.Stuck()) == 1 })
	db.Close()
}

func TestConnectionsAreGivenUp(t *testing.T) {
	db := open(t, pgtest.URL(t), func(c *postgres.Config) { c.MinConns, c.MaxConns = -1, 1 })
	call := postgres.Call{SQL: "SELECT pg_backend_pid()", Untrusted: true, ProvenClean: true}
	first, _ := run(t, db, call)
	for i := 2; i <= postgres.MaxUntrusted; i++ {
		if got, _ := run(t, db, call); got.json[0] != first.json[0] {
			t.Fatalf("statement %d runs on another backend, want one backend for %d", i, postgres.MaxUntrusted)
		}
	}
	if got, _ := run(t, db, call); got.json[0] == first.json[0] {
		t.Errorf("the backend is kept after %d statements of callers", postgres.MaxUntrusted)
	}
}

// TestStuckBackendBehindPgBouncer: the number of the backend comes with the settings of the call.
func TestStuckBackendBehindPgBouncer(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	db := open(t, pgtest.PgBouncer(t, c, nil), func(conf *postgres.Config) { conf.MinConns, conf.MaxConns = -1, 2 })
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	var u turn
	var wait sync.WaitGroup
	call := postgres.Call{SQL: "SELECT pg_sleep(600) -- frozen", Timeout: 2 * time.Second, Untrusted: true, Turn: &u, Tool: "query"}
	wait.Go(func() { _, _ = db.Run(t.Context(), call, &rows{}) })
	pid := backendOf(t, c.AdminURL(), "frozen")
	thaw := freeze(t, pid)
	wait.Wait()
	waitUntil(t, "the backend is known", func() bool { return len(db.Stuck()) == 1 })
	if got := db.Stuck()[0]; int(got.PID) != pid {
		t.Errorf("Stuck() = %+v, want backend %d", got, pid)
	}
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	thaw()
	waitUntil(t, "all is as before", func() bool { return len(db.Stuck()) == 0 && u.seen() == [3]int{1, 1, 1} })
	run(t, db, postgres.Call{SQL: "SELECT 1"})
}

// TestDeadlineBoundsTheStatement: what has been spent on a call is not there for its statement.
func TestDeadlineBoundsTheStatement(t *testing.T) {
	db := open(t, pgtest.URL(t))
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second+postgres.Grace)
	defer cancel()
	const setting = "SELECT current_setting('statement_timeout')::interval <= '2 s', current_setting('statement_timeout')::interval > '0 s'"
	got := &rows{}
	if _, err := db.Run(ctx, postgres.Call{SQL: setting}, got); err != nil || got.json[0] != "[true,true]" {
		t.Errorf("statement_timeout within 0 and 2 s = %v, %v; want it so", got.json, err)
	}
	_, err := db.Run(ctx, postgres.Call{SQL: "SELECT pg_sleep(600)"}, &rows{})
	if e := (*postgres.Error)(nil); !errors.As(err, &e) || e.Code != "57014" {
		t.Errorf("Run = %v, want 57014", err)
	}
	spent, end := context.WithTimeout(t.Context(), postgres.Grace/2)
	defer end()
	if _, err = db.Run(spent, postgres.Call{SQL: "SELECT 1"}, &rows{}); err == nil {
		t.Error("a statement runs when nothing is left of the time")
	}
}
