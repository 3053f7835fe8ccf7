package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"

	"github.com/jackc/pgx/v5"
)

// heading says what was measured on what.
func (b *bench) heading(ctx context.Context) string {
	version := "unknown"
	if err := b.targets[sampleName].pool.QueryRow(ctx, "SHOW server_version", pgx.QueryExecModeExec).Scan(&version); err != nil {
		version = "unknown (" + err.Error() + ")"
	}
	return fmt.Sprintf("PostgreSQL %s over TCP on the same machine, %d CPUs, %s, %d rounds of %v; wide has %d tables.\n\n",
		version, runtime.NumCPU(), runtime.Version(), b.rounds, b.slice, b.schemas()*wideTables)
}

// table prints the results as they come.
type table struct {
	w    io.Writer
	last string
	err  error
}

const rowFormat = "%-26s %3s  %-10s %9s %9s %7s %8s %8s %9s\n"

func newTable(w io.Writer) *table {
	t := &table{w: w}
	t.print(rowFormat, "case", "c", "layer", "p50 ms", "calls/s", "x pgx", "allocs", "KiB", "reply B")
	return t
}

func (t *table) print(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *table) row(name, layer string, workers int, r result) {
	shown, c := "", ""
	if layer == layerPGX {
		c = fmt.Sprint(workers)
	}
	if name != t.last {
		shown, t.last = name, name
	}
	allocs, kib, reply := "-", "-", "-"
	if r.allocs > 0 {
		allocs, kib = fmt.Sprintf("%.0f", r.allocs), fmt.Sprintf("%.1f", r.kib)
	}
	if r.reply > 0 {
		reply = fmt.Sprint(r.reply)
	}
	t.print(rowFormat, shown, c, layer, fmt.Sprintf("%.3f", r.p50.Seconds()*1000), fmt.Sprintf("%.0f", r.rate), fmt.Sprintf("%.2f", r.ratio), allocs, kib, reply)
}

func (t *table) end() error { return t.err }

// printMemory prints what the servers held and gives that.
func (b *bench) printMemory(w io.Writer) (map[string]memory, error) {
	peaks := map[string]memory{}
	fmt.Fprintln(w, "\nMemory of the server, MiB:")
	for _, name := range slices.Sorted(maps.Keys(b.targets)) {
		t := b.targets[name]
		m, err := memoryOf(t.server.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		peaks[name] = m
		fmt.Fprintf(w, "  %-7s idle after the start %.1f, at the end %.1f, peak %.1f\n", name, mib(t.idle.rss), mib(m.rss), mib(m.peak))
	}
	return peaks, nil
}

func mib(kib int) float64 { return float64(kib) / 1024 }
