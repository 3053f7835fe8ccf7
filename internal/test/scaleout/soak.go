package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// Bounds on what may have grown from the time after the warm-up to the end.
const (
	moreGoroutines = 20
	moreMemory     = 64 << 20
)

// soakOne loads one replica for long: its backends are killed, calls are abandoned, its tools are edited. Then it is
// flooded.
func soakOne(ctx context.Context, s *setting) error {
	d, err := s.databases(ctx)
	if err != nil {
		return err
	}
	tools, err := os.MkdirTemp("", "soak-tools-")
	if err != nil {
		return err
	}
	s.later(func() error { return os.RemoveAll(tools) })
	r, err := s.replica(ctx, d.primary.URL(), "POSTGRES_READONLY=true", "MCP_TOOLS_DIR="+tools)
	if err != nil {
		return err
	}
	known, err := questions(ctx, newClient(r.url()))
	if err != nil {
		return err
	}
	w := &watch{r: r, url: d.primary.AdminURL()}
	fmt.Printf("1 replica, %d connections, %v\n", s.clients, s.duration)
	fmt.Printf("%-12s %10s %12s %10s %10s\n", "after", "goroutines", "connections", "RSS, MiB", "reloads")
	if _, err := w.look(ctx, "start"); err != nil {
		return err
	}
	l := startLoad(ctx, "mixed tools; backends killed, calls abandoned, tools edited", r.url(), s.clients, asking(known))
	first, err := s.harass(ctx, w, tools)
	err = errors.Join(err, l.end())
	if err != nil {
		return err
	}
	if err := pause(ctx, 8*time.Second); err != nil { // what was abandoned has its time to end
		return err
	}
	last, err := w.look(ctx, "rest")
	if err != nil {
		return err
	}
	return errors.Join(leaks(first, last), w.flood(ctx))
}

// harass disturbs until the time is over. It gives what there was after the warm-up, the first fifth.
func (s *setting) harass(ctx context.Context, w *watch, tools string) (first usage, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var wait sync.WaitGroup
	defer wait.Wait()
	disturb := func(every time.Duration, f func(n int) error) {
		wait.Go(func() {
			for n := 0; pause(ctx, every) == nil; n++ {
				if err := f(n); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "scaleout:", err)
				}
			}
		})
	}
	disturb(3*time.Second, func(int) error { return w.killBackend(ctx) })
	disturb(time.Second, func(n int) error { return writeTool(tools, n) })
	for range 4 {
		disturb(200*time.Millisecond, func(int) error {
			abandoned, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			newClient(w.r.url()).call(abandoned, "query", `{"sql":"SELECT count(*) FROM generate_series(1, 20000000)"}`)
			return nil
		})
	}
	for i := range 5 {
		if pause(ctx, s.duration/5-100*time.Millisecond) != nil {
			return first, nil
		}
		u, err := w.look(ctx, fmt.Sprint((time.Duration(i+1) * s.duration / 5).Round(time.Second)))
		if err != nil {
			return first, err
		}
		if i == 0 {
			first = u
		}
	}
	return first, nil
}

// writeTool edits a tool, or takes it away.
func writeTool(dir string, n int) error {
	path := filepath.Join(dir, "soak.sql")
	if n%4 == 3 {
		return os.Remove(path)
	}
	text := fmt.Sprintf("/*---\ntitle: Number %d\ndescription: Gives a number that changes with each edit of this "+
		"file.\n---*/\nSELECT %d AS number\n", n, n)
	return os.WriteFile(path, []byte(text), 0o644)
}

// watch looks at the replica from outside.
type watch struct {
	r   *replica
	url string // of the database, for the superuser
}

type usage struct {
	goroutines, connections, reloads int
	memory                           float64
}

// killBackend ends one connection of the replica.
func (w *watch) killBackend(ctx context.Context) error {
	return execute(ctx, w.url,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-postgres' ORDER BY random() "+
			"LIMIT 1")
}

// look prints what the replica uses.
func (w *watch) look(ctx context.Context, when string) (u usage, err error) {
	res, err := http.Get(strings.TrimSuffix(w.r.url(), "mcp") + "metrics")
	if err != nil {
		return u, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "go_goroutines %d", &u.goroutines) // of the other lines none begins so
		_, _ = fmt.Sscanf(line, "process_resident_memory_bytes %g", &u.memory)
		_, _ = fmt.Sscanf(line, `mcp_postgres_reloads_total{result="ok"} %d`, &u.reloads)
	}
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		return u, err
	}
	err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", demo.Role).Scan(&u.connections)
	fmt.Printf("%-12s %10d %12d %10.1f %10d\n", when, u.goroutines, u.connections, u.memory/(1<<20), u.reloads)
	return u, errors.Join(err, conn.Close(ctx))
}

// maxConnections is the most that the replica may have: the default of --pool-max.
const maxConnections = 10

func leaks(first, last usage) error {
	var errs []error
	if last.goroutines > first.goroutines+moreGoroutines {
		errs = append(errs, fmt.Errorf("goroutines grew from %d under load to %d at rest", first.goroutines, last.goroutines))
	}
	if last.memory > first.memory+moreMemory {
		errs = append(errs, fmt.Errorf("memory grew from %.1f to %.1f MiB", first.memory/(1<<20), last.memory/(1<<20)))
	}
	if last.connections > maxConnections {
		errs = append(errs, fmt.Errorf("%d connections are open: want at most %d", last.connections, maxConnections))
	}
	return errors.Join(errs...)
}
