package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
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
	keeping := make(chan struct{})
	ctx, stop := context.WithCancel(ctx)
	go func() { defer close(keeping); a.shelf.keep(ctx) }()
	defer func() { stop(); <-keeping }()
	calls, bodies := newCalls(), newBodies()
	out := &answers{w: s.out, bodies: bodies}
	in := &lineReader{src: bufio.NewReaderSize(s.in, 64<<10), log: log, calls: calls, out: out}
	out.in = in
	stdio := server.NewStdioServer(a.tools.Server(version(), append(calls.options(), server.WithToolHandlerMiddleware(bodies.middleware))...))
	for _, option := range []server.StdioOption{
		server.WithWorkerPoolSize(max(c.PoolMax, 5)), server.WithQueueSize(10_000),
		server.WithErrorLogger(slog.NewLogLogger(log.Handler(), slog.LevelWarn)),
	} {
		option(stdio)
	}
	err = stdio.Listen(ctx, in, out)
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

// lineReader hands the client's lines to the protocol one at a time. It leaves out empty lines, refuses one that is too
// long, gives the last line its line end, tells calls of what comes, and holds the end of input back until the requests in
// flight are answered.
type lineReader struct {
	src   *bufio.Reader
	log   *slog.Logger
	calls *calls
	out   *answers
	rest  []byte

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

// line reads one line of at most maxLine bytes. A longer one is answered here, and is empty.
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
				r.refuse(line, size)
				line = nil
			}
			return line, err
		}
	}
}

// requestID finds the id of a request in the start of its line.
var requestID = regexp.MustCompile(`"id"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?[0-9]{1,20})`)

// refuse answers a message that is too long (JSON-RPC 2.0, section 5.1: Invalid Request).
func (r *lineReader) refuse(line []byte, size int) {
	r.log.Warn("message refused", "bytes", size, "maximum", maxLine)
	id := []byte("null")
	if m := requestID.FindSubmatch(line[:min(len(line), 1024)]); m != nil {
		id = m[1]
	}
	r.out.write(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"the message is %d bytes, more than the maximum %d"}}`+"\n",
		id, size, maxLine))
}

// sent counts a request; notifications and answers have no id or no method.
func (r *lineReader) sent(line []byte) {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			RequestID json.RawMessage `json:"requestId"`
		} `json:"params"`
	}
	ok := json.Unmarshal(line, &m) == nil
	switch {
	case ok && m.Method == "notifications/cancelled":
		r.calls.cancel(callKey(m.Params.RequestID))
	case ok && m.Method == "tools/call":
		r.calls.received(callKey(m.ID))
	}
	if ok && (len(m.ID) == 0 || m.Method == "") {
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
	mu     sync.Mutex // guards w: the reader writes too
	w      io.Writer
	in     *lineReader
	bodies *bodies
}

func (a *answers) write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.w.Write(p)
}

// Write implements io.Writer.
func (a *answers) Write(p []byte) (int, error) {
	if _, err := a.write(a.bodies.restore(plainWords(p))); err != nil {
		return 0, err
	}
	if head := p[:min(len(p), 64)]; bytes.HasSuffix(p, []byte("\n")) && !bytes.Contains(head, []byte(`"method"`)) {
		a.in.answered()
	}
	return len(p), nil
}

// libraryWords finds errors in the words of the libraries below, which name types of Go.
var libraryWords = regexp.MustCompile(`^\{"jsonrpc":"2\.0","id":.{1,300}?,"error":\{"code":(-?[0-9]+),"message":"[^"]*(?:Go struct|Go value|json: |base64)`)

// plainWords rewords such an error.
func plainWords(p []byte) []byte {
	if len(p) > 4096 || !libraryWords.Match(p) {
		return p
	}
	var m struct {
		ID    json.RawMessage `json:"id"`
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(p, &m) != nil {
		return p
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"the params do not have the form that this method wants"}}`+"\n", m.ID, m.Error.Code)
}
