package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mcp-postgres/internal/process"
)

const (
	// drainTime is how long requests in flight may go on after the client has closed its side, or a signal came. It is
	// short: a client that has gone must not leave its statements running.
	drainTime = 500 * time.Millisecond
	// cancelTime is how long they then have to end.
	cancelTime = 5 * time.Second
)

// stdioID is the session of the one client.
const stdioID = "stdio"

// Stdio serves one client on in and out until in ends or ctx does. Where a read of in can't be ended, it leaves a
// goroutine behind in it.
func (s *Server) Stdio(ctx context.Context, in io.Reader, out io.Writer) error {
	in, done := process.TunePipes(in, out)
	defer done()
	w := &lineWriter{w: out}
	c := s.newConn(stdioID, "", w.write)
	c.access = s.Access
	if err := s.mcp.RegisterSession(ctx, c); err != nil {
		return fmt.Errorf("registering the client: %w", err)
	}
	defer s.mcp.UnregisterSession(ctx, c.id)
	calls, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	wait.Go(func() { c.broadcast(calls) })
	read := make(chan error, 1)
	go func() { read <- c.readLines(calls, bufio.NewReaderSize(in, 64<<10)) }()
	var err error
	select {
	case err = <-read:
	case <-ctx.Done():
	}
	await(c.drained(), drainTime)
	stop()
	c.close()
	await(c.drained(), cancelTime)
	wait.Wait()
	return err
}

func await(done <-chan struct{}, most time.Duration) {
	select {
	case <-done:
	case <-time.After(most):
	}
}

// readLines takes the client's messages, one a line, until there are no more. It leaves out empty lines and refuses one
// that is too long; the last one needs no line end.
func (c *conn) readLines(ctx context.Context, src *bufio.Reader) error {
	for {
		line, size, err := readLine(src)
		switch line = bytes.TrimSpace(line); {
		case size > maxMessage:
			c.server.Logger.Warn("message refused", "bytes", size, "maximum", maxMessage)
			err = errors.Join(c.send(tooLong(line)), err)
		case len(line) > 0:
			err = errors.Join(c.receive(ctx, line, func() {}), err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("talking to the client: %w", err)
		}
	}
}

// readLine reads a line and gives its first maxMessage bytes, and its size.
func readLine(src *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := src.ReadSlice('\n')
		if size += len(part); size <= maxMessage {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

// lineWriter writes messages, one a line.
type lineWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// keptLine bounds the memory that is kept for the next line, in bytes.
const keptLine = 1 << 20

// write encodes the message when it is its turn to be written.
func (w *lineWriter) write(m outgoing) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := append(m.appendTo(w.buf[:0]), '\n')
	if w.buf = nil; cap(line) <= keptLine {
		w.buf = line
	}
	_, err := w.w.Write(line)
	return err
}
