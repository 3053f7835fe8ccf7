// Command bench measures what each layer of mcp-postgres adds to the bare SQL, on a PostgreSQL of its own.
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
	"time"
)

// options are the flags.
type options struct {
	server string         // the built binary
	rounds int            // times that everything is measured; results are medians
	slice  time.Duration  // of one measurement
	starts int            // of each server, for the time to the first reply
	only   *regexp.Regexp // cases to measure, by name; nil is all
	short  bool
	layers *regexp.Regexp // layers to measure besides pgx; nil is all
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if url := os.Getenv(hardCodedEnv); url != "" {
		return serveHardCoded(ctx, url)
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	b := &bench{options: o}
	return errors.Join(b.run(ctx), b.close())
}

func parse(args []string) (options, error) {
	o := options{slice: 200 * time.Millisecond, starts: 20}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.server, "server", "bin/mcp-postgres", "the built `binary`")
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured; results are medians")
	flags.BoolVar(&o.short, "short", false, "a quick look: short measurements, few starts, 2,000 tables instead of 20,000")
	only := flags.String("only", "", "measure only the cases whose name matches this `regexp`")
	layers := flags.String("layers", "", "measure, besides pgx, only the layers whose name matches this `regexp`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		return o, errors.New("want flags only, and at least one round: see -help")
	}
	if o.short {
		o.rounds, o.slice, o.starts = min(o.rounds, 3), 40*time.Millisecond, 5
	}
	var errs [2]error
	o.only, errs[0] = pattern(*only)
	o.layers, errs[1] = pattern(*layers)
	return o, errors.Join(errs[:]...)
}

func pattern(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	return regexp.Compile(text)
}

// wanted reports whether a name is to be measured.
func wanted(r *regexp.Regexp, name string) bool { return r == nil || r.MatchString(name) }
