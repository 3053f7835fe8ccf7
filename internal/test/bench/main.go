// Command bench measures what mcp-postgres adds to the bare SQL, on a PostgreSQL of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"text/tabwriter"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/demo"
)

// bench is one run.
type bench struct {
	server  string         // the built binary
	rounds  int            // times that everything is measured; results are medians
	slice   time.Duration  // of one measurement
	starts  int            // of each server, for the time to the first answer
	schemas int            // of the database wide
	only    *regexp.Regexp // cases to measure, by name

	catalog   *catalog.Catalog
	databases []*database
	plain     float64           // bytes of the rows of caseJSON
	goals     *tabwriter.Writer // the verdicts, printed at the end
	cleanup   []func() error
}

func main() {
	demo.ClearEnvironment()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if url := os.Getenv(hardCodedEnv); url != "" {
		return serveHardCoded(ctx, url, os.Args[1:])
	}
	if os.Getenv(echoEnv) != "" {
		return serveEcho(os.Stdin, os.Stdout)
	}
	b := &bench{slice: 200 * time.Millisecond, starts: 20, schemas: 50, only: &regexp.Regexp{}}
	b.goals = tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	flag.StringVar(&b.server, "server", "bin/mcp-postgres", "the built `binary`")
	flag.IntVar(&b.rounds, "rounds", 5, "how often everything is measured; results are medians")
	flag.TextVar(b.only, "only", regexp.MustCompile(""), "measure only the cases whose name matches this `regexp`")
	short := flag.Bool("short", false, "a quick look: short measurements, few starts, 2,000 tables instead of 20,000")
	flag.Parse()
	if flag.NArg() > 0 || b.rounds < 1 {
		return errors.New("want flags only, and at least one round: see -help")
	}
	if *short {
		b.rounds, b.slice, b.starts, b.schemas = min(b.rounds, 3), 40*time.Millisecond, 5, 5
	}
	err := b.run(ctx)
	for i := len(b.cleanup) - 1; i >= 0; i-- {
		err = errors.Join(err, b.cleanup[i]())
	}
	return err
}

func (b *bench) run(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Printf(rowFormat, "case", "c", "layer", "p50 ms", "calls/s", "x pgx", "x json", "allocs", "KiB", "reply B")
	for _, c := range b.cases() {
		if err := b.measureCase(ctx, &c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if b.only.MatchString("lists") {
		if err := b.lists(ctx); err != nil {
			return fmt.Errorf("lists: %w", err)
		}
	}
	if b.only.MatchString("several") {
		if err := b.several(ctx); err != nil {
			return fmt.Errorf("several: %w", err)
		}
	}
	b.printMemory()
	fmt.Println("\nGoals:")
	return b.goals.Flush()
}
