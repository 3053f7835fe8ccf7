// Command scaleout shows on one machine what many replicas do when parts fail, and what one replica does under a long
// load. make scaleout and make soak run it; docs/operations.md has what they print.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"mcp-postgres/internal/demo"
)

func main() {
	demo.ClearEnvironment()
	server := flag.String("server", "bin/mcp-postgres", "the built program")
	soak := flag.Bool("soak", false, "load one replica for long instead, and then one of several databases")
	several := flag.Bool("several", false, "load one replica of several databases instead, whose password changes")
	clients := flag.Int("clients", 0, "connections of clients; 0: 16, for a soak 64")
	duration := flag.Duration("duration", 0, "how long to load; 0: 60s, for a soak 10m")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	run, s := scaleOut, setting{server: *server, clients: 16, duration: time.Minute}
	if *soak {
		run, s.clients, s.duration = soakBoth, 64, 10*time.Minute
	}
	if *several {
		run, s.clients = soakSeveral, 64
	}
	if *clients > 0 {
		s.clients = *clients
	}
	if *duration > 0 {
		s.duration = *duration
	}
	err := run(ctx, &s)
	stop()
	if err = errors.Join(err, s.close()); err != nil {
		fmt.Fprintln(os.Stderr, "scaleout:", err)
		os.Exit(1)
	}
}

// soakBoth takes a tenth of the time, but at least a minute, for each part of the soak of several databases.
func soakBoth(ctx context.Context, s *setting) error {
	err := soakOne(ctx, s)
	s.duration = max(time.Minute, s.duration/10)
	return errors.Join(err, soakSeveral(ctx, s))
}

// setting is what a run needs, and what must be ended after it.
type setting struct {
	server   string
	clients  int
	duration time.Duration
	cleanup  []func() error
}

func (s *setting) later(f func() error) { s.cleanup = append(s.cleanup, f) }

func (s *setting) close() error {
	var errs []error
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, s.cleanup[i]())
	}
	return errors.Join(errs...)
}

// pause waits, unless the run is interrupted.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// until asks again and again, for 20 seconds at most.
func until(ctx context.Context, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if waitErr := pause(ctx, 50*time.Millisecond); waitErr != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}
