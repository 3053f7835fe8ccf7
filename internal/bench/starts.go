package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// first is the time from starting a server to its first answer of a tool.
type first struct {
	what string
	p50  time.Duration
	goal time.Duration // zero without one
}

// starter is one kind of start.
type starter struct {
	what   string
	goal   time.Duration
	launch func() (*client, error)
	call   string
}

func (b *bench) starters() []starter {
	server := func(name string) func() (*client, error) {
		return func() (*client, error) { return b.launchServer(b.targets[name]) }
	}
	list := []starter{
		{"server, query SELECT 1, sample", goalFirst, server(sampleName), call("query", queryArgs(selectOneSQL, "json"))},
		{"server, list_tables, sample", goalFirst, server(sampleName), call("list_tables", `{"schema":"shop"}`)},
		{"hard-coded, SELECT 1, sample", 0, func() (*client, error) { return b.launchHard(b.targets[sampleName]) }, call("select_one", "{}")},
	}
	if b.targets[wideName] != nil {
		list = append(list, starter{"server, list_tables, wide", goalFirst, server(wideName), call("list_tables", `{"schema":"area_01","page_size":400}`)})
	}
	return list
}

// starts measures the time to the first answer, the servers taking turns.
func (b *bench) starts(ctx context.Context) ([]first, error) {
	kinds := b.starters()
	took := make([][]time.Duration, len(kinds))
	for range b.options.starts {
		for i, k := range kinds {
			d, err := k.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.what, err)
			}
			took[i] = append(took[i], d)
		}
	}
	var firsts []first
	for i, k := range kinds {
		firsts = append(firsts, first{k.what, median(took[i]), k.goal})
	}
	return firsts, nil
}

// run starts a server and does as a client would: greet, wait, call, wait; then it ends it.
func (k *starter) run(ctx context.Context) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	began := time.Now()
	c, err := k.launch()
	if err != nil {
		return 0, err
	}
	res, err := c.ask(k.call)
	took := time.Since(began)
	if err == nil {
		_, err = answerText(res)
	}
	return took, errors.Join(err, c.close())
}

func printFirsts(w io.Writer, firsts []first) {
	fmt.Fprintln(w, "\nFrom exec to the first answer of a tool:")
	for _, f := range firsts {
		fmt.Fprintf(w, "  %-32s %5.1f ms\n", f.what, f.p50.Seconds()*1000)
	}
}

// memory is what a process holds, in KiB. Zero is unknown: only Linux tells.
type memory struct{ rss, peak int }

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		return memory{}, nil
	}
	var m memory
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		switch name {
		case "VmRSS":
			m.rss, err = strconv.Atoi(kib)
		case "VmHWM":
			m.peak, err = strconv.Atoi(kib)
		}
		if err != nil {
			return m, fmt.Errorf("reading the memory of a process: %w", err)
		}
	}
	return m, err
}
