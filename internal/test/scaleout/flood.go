package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What a hostile client sends at once, and the most memory that the replica may take for it.
const (
	halfRequests = 6000
	largeCalls   = 360
	floodMemory  = 96 << 20
)

// flood sends half requests and large calls that wait, looks at the replica meanwhile, and wants it to answer all the
// same.
func (w *watch) flood(ctx context.Context) error {
	before, err := w.look(ctx, "calm")
	if err != nil {
		return err
	}
	half, err := w.halfRequests(ctx)
	if err != nil {
		return err
	}
	large, err := w.largeCalls(ctx)
	if err != nil {
		return err
	}
	for _, u := range []usage{half, large} {
		if u.memory > before.memory+floodMemory {
			err = errors.Join(err, fmt.Errorf("a flood took the memory from %.1f to %.1f MiB", before.memory/(1<<20),
				u.memory/(1<<20)))
		}
	}
	res, askErr := http.Get(strings.TrimSuffix(w.r.url(), "mcp") + "healthz")
	if askErr == nil {
		askErr = res.Body.Close()
	}
	return errors.Join(err, askErr)
}

// halfRequests looks while many connections wait with half a header.
func (w *watch) halfRequests(ctx context.Context) (usage, error) {
	address := fmt.Sprintf("127.0.0.1:%d", w.r.port)
	header := "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: " + strings.Repeat("x", 12<<10)
	for range halfRequests {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return usage{}, err
		}
		defer c.Close()
		_, _ = c.Write([]byte(header)) // it may have been closed by then
	}
	return w.look(ctx, "half")
}

// largeCalls looks while many calls of 1 MB wait for their turn, or are refused.
func (w *watch) largeCalls(ctx context.Context) (usage, error) {
	var wait sync.WaitGroup
	defer wait.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call := `{"sql":"SELECT pg_sleep(4), length($1::text)","parameters":["` + strings.Repeat("x", 1_000_000) + `"]}`
	for range largeCalls {
		wait.Go(func() { newClient(w.r.url()).call(ctx, "query", call) })
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return usage{}, err
	}
	return w.look(ctx, "1 MB calls")
}
