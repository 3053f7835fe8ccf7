package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/config"
)

type serveCmd struct{}

// Run serves until the client closes standard input or a signal comes.
func (serveCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	a, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	log.Info("serving", "transport", c.Transport, "tools", len(a.tools.Names()), "read_only", c.ReadOnly, "database", a.db.Configured())
	in := &lineReader{src: bufio.NewReaderSize(s.in, 64<<10), log: log}
	stdio := server.NewStdioServer(a.tools.Server(version()))
	for _, option := range []server.StdioOption{
		server.WithWorkerPoolSize(max(c.PoolMax, 5)), server.WithQueueSize(10_000),
		server.WithErrorLogger(slog.NewLogLogger(log.Handler(), slog.LevelWarn)),
	} {
		option(stdio)
	}
	err = stdio.Listen(ctx, in, answers{s.out, in})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		err = nil
	}
	log.Info("stopped")
	return err
}

const (
	// maxLine bounds one message of the client, in bytes.
	maxLine = 4 << 20
	// drainTime is how long calls in flight may go on after the client has closed its side. It is short: a client that
	// has gone must not leave its statements running.
	drainTime = 500 * time.Millisecond
)

// lineReader hands the client's lines to the protocol one at a time. It leaves out empty lines, replaces one that is too
// long by a line that is no JSON (the answer is then a parse error), gives the last line its line end, and holds the end
// of input back until the requests in flight are answered.
type lineReader struct {
	src  *bufio.Reader
	log  *slog.Logger
	rest []byte

	mu      sync.Mutex
	waiting int           // requests without an answer yet
	idle    chan struct{} // closed when waiting falls to zero after the end of input
}

// Read implements io.Reader.
func (r *lineReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		line, err := r.line()
		if line = bytes.TrimSpace(line); len(line) > 0 {
			r.sent(line)
			r.rest = append(line, '\n')
		} else if err != nil {
			r.drain()
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// line reads one line of at most maxLine bytes; of a longer one only its first byte is kept.
func (r *lineReader) line() ([]byte, error) {
	var line []byte
	size := 0
	for {
		part, err := r.src.ReadSlice('\n')
		if size += len(part); size <= maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if size > maxLine {
				r.log.Warn("message refused", "bytes", size, "maximum", maxLine)
				line = line[:1]
			}
			return line, err
		}
	}
}

// sent counts a request; notifications and answers have no id or no method.
func (r *lineReader) sent(line []byte) {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if json.Unmarshal(line, &m) == nil && (len(m.ID) == 0 || m.Method == "") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting++
}

func (r *lineReader) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if r.waiting <= 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

func (r *lineReader) drain() {
	r.mu.Lock()
	if r.waiting <= 0 {
		r.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	r.idle = idle
	r.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(drainTime):
	}
}

// answers is standard output; it tells the reader of each answer. The protocol writes one message at a time.
type answers struct {
	io.Writer
	in *lineReader
}

// Write implements io.Writer.
func (a answers) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	if head := p[:min(len(p), 64)]; bytes.HasSuffix(p, []byte("\n")) && !bytes.Contains(head, []byte(`"method"`)) {
		a.in.answered()
	}
	return n, err
}
