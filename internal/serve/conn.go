package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/process"
)

// conn is a connection that carries messages both ways: standard input and output, the stream of SSE, or that of a
// subscription. It is the session that the protocol library sees. Reading never waits for a request to be answered,
// so that a ping is answered and a cancellation heard whatever else goes on.
type conn struct {
	server *Server
	id     string
	caller string               // shares the slots with the others
	send   func(outgoing) error // writes one message; safe for concurrent use
	access *auth.Access         // where its one caller is let in at each request; nil where the transport has done that

	broadcasts chan mcp.JSONRPCNotification
	endings    chan *response // answers that must come after the broadcasts before them

	*inFlight

	ready atomic.Bool  // the client has been greeted
	level atomic.Value // its mcp.LoggingLevel

	mu     sync.Mutex             // guards what follows
	legacy bool                   // the client has said initialize
	wants  mcp.SubscriptionFilter // what a client without it has subscribed to
	listen json.RawMessage        // the id of its subscription
}

func (s *Server) newConn(id, caller string, send func(outgoing) error) *conn {
	c := &conn{
		server: s, id: id, caller: caller, send: send,
		broadcasts: make(chan mcp.JSONRPCNotification, 100), endings: make(chan *response), inFlight: newInFlight(),
	}
	c.level.Store(mcp.LoggingLevelError)
	return c
}

// receive takes one message and returns at once; a goroutine answers the request. ctx carries the identity of the
// sender. answered is called when the request has been answered, or needs no answer.
func (c *conn) receive(ctx context.Context, message []byte, answered func()) error {
	later := false
	defer func() {
		if !later {
			answered()
		}
	}()
	m, refused := open(message)
	if refused != nil {
		return c.send(refused)
	}
	q := c.request(m, message)
	switch {
	case m.cancels():
		c.cancel(idKey(m.Params.RequestID))
		return nil
	case !m.request():
		if ctx, err := c.enter(ctx); err == nil { // messages of a client that is not let in are dropped
			c.server.answer(ctx, q)
		}
		return nil
	case m.Method == string(mcp.MethodPing): // answered also when nothing else is
		c.reply(ctx, q, &pending{})
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &pending{key: idKey(m.ID), cancel: cancel, bytes: len(message)}
	if !c.add(p) {
		cancel()
		c.server.Observer.Metrics.Refused(nil, "busy")
		return c.send(fail(m.ID, mcp.INTERNAL_ERROR, errBusy.Error()))
	}
	later = true
	go func() {
		defer answered()
		defer c.end(p)
		c.reply(ctx, q, p)
	}()
	return nil
}

// request makes a request of a message, and notes what the message says about its client.
func (c *conn) request(m envelope, message []byte) *request {
	if m.request() && m.Method != string(mcp.MethodPing) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch m.Method {
		case string(mcp.MethodInitialize):
			c.legacy = true
		case string(mcp.MethodSubscriptionsListen):
			c.listen = m.ID
		}
		if !c.legacy { // a client that does not begin with initialize needs no beginning
			c.ready.Store(true)
		}
	}
	return &request{session: c, envelope: m, raw: message, modern: m.Params.modern(), caller: c.caller, notify: c.notify}
}

// reply answers a request, unless the client has cancelled it.
func (c *conn) reply(ctx context.Context, q *request, p *pending) {
	var answer *response
	entered, err := c.enter(ctx)
	if err != nil {
		answer = fail(q.ID, codeRefused, err.Error())
	} else {
		answer = c.server.answer(entered, q)
	}
	switch {
	case answer == nil || p.cancelled.Load():
		return
	case q.Method == string(mcp.MethodSubscriptionsListen):
		select {
		case c.endings <- answer:
		case <-ctx.Done():
		}
	default:
		err = c.send(answer)
	}
	if err != nil {
		c.server.Logger.DebugContext(ctx, "answer not sent", "error", err)
	}
}

// codeRefused is the JSON-RPC code of a request whose caller is not let in; HTTP says 401 or 403.
const codeRefused = -32001

// enter lets the caller in, where the transport has not: over stdio.
func (c *conn) enter(ctx context.Context) (context.Context, error) {
	if c.access == nil {
		return ctx, nil
	}
	return c.access.Enter(ctx)
}

func (c *conn) notify(n notification) error { return c.sendJSON(n) }

func (c *conn) sendJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.send(encoded(b))
}

// broadcast sends the notifications that go to all clients, until ctx ends.
func (c *conn) broadcast(ctx context.Context) {
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case n := <-c.broadcasts:
			err = c.sendBroadcast(n)
		case answer := <-c.endings:
			for len(c.broadcasts) > 0 && err == nil {
				err = c.sendBroadcast(<-c.broadcasts)
			}
			err = errors.Join(err, c.send(answer))
		}
		if err != nil {
			c.server.Logger.DebugContext(ctx, "notification not sent", "error", err)
		}
	}
}

func (c *conn) sendBroadcast(n mcp.JSONRPCNotification) error {
	c.mu.Lock()
	if !c.legacy && c.listen != nil {
		n.Params.Meta = map[string]any{mcp.MetaKeySubscriptionID: c.listen}
	}
	c.mu.Unlock()
	return c.sendJSON(n)
}

// SessionID implements server.ClientSession.
func (c *conn) SessionID() string { return c.id }

// NotificationChannel implements server.ClientSession.
func (c *conn) NotificationChannel() chan<- mcp.JSONRPCNotification { return c.broadcasts }

// Initialize implements server.ClientSession.
func (c *conn) Initialize() { c.ready.Store(true) }

// Initialized implements server.ClientSession.
func (c *conn) Initialized() bool { return c.ready.Load() }

// SetLogLevel implements server.SessionWithLogging.
func (c *conn) SetLogLevel(level mcp.LoggingLevel) { c.level.Store(level) }

// GetLogLevel implements server.SessionWithLogging.
func (c *conn) GetLogLevel() mcp.LoggingLevel { return c.level.Load().(mcp.LoggingLevel) }

// SetSubscriptionFilter implements server.SessionWithSubscriptionFilter.
func (c *conn) SetSubscriptionFilter(f mcp.SubscriptionFilter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wants = f
}

// SubscriptionFilter implements server.SessionWithSubscriptionFilter. Clients of revision 2026-07-28 or later, which do
// not say initialize, get only the notifications that they subscribed to. The client of standard input and output gets
// all of them if it has subscribed to none: some clients expect changes of the tools without subscriptions/listen.
func (c *conn) SubscriptionFilter() (mcp.SubscriptionFilter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wants, !c.legacy && (c.listen != nil || c.id != stdioID)
}

// maxInFlight bounds the requests of one connection that are not answered yet, maxInFlightBytes their size.
const (
	maxInFlight      = 10_000
	maxInFlightBytes = 16 * maxMessage
)

// inFlight are the requests that are not answered yet; they can be cancelled.
type inFlight struct {
	mu     sync.Mutex
	all    map[*pending]struct{}
	bytes  int
	idle   chan struct{} // closed when nothing is in flight, once somebody waits for that
	closed bool
}

// pending is one of them.
type pending struct {
	key    string // of its id: what a cancellation names; several may have the same
	cancel context.CancelFunc
	bytes  int
	// cancelled: the client has cancelled the request and wants no answer.
	cancelled atomic.Bool
}

func newInFlight() *inFlight { return &inFlight{all: map[*pending]struct{}{}} }

// add reports false if there are too many.
func (in *inFlight) add(p *pending) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || len(in.all) >= maxInFlight || in.bytes >= maxInFlightBytes {
		return false
	}
	in.all[p] = struct{}{}
	in.bytes += p.bytes
	return true
}

// end ends a request, which may not have been added.
func (in *inFlight) end(p *pending) {
	p.cancel()
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, ok := in.all[p]; !ok {
		return
	}
	delete(in.all, p)
	in.bytes -= p.bytes
	if len(in.all) == 0 && in.idle != nil {
		close(in.idle)
		in.idle = nil
	}
}

// cancel ends the requests with the key, whether they run or wait for their turn.
func (in *inFlight) cancel(key string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for p := range in.all {
		if p.key == key {
			p.cancelled.Store(true)
			p.cancel()
		}
	}
}

// close ends every request; later ones are refused.
func (in *inFlight) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	for p := range in.all {
		p.cancel()
	}
}

// drained is closed when no request is in flight.
func (in *inFlight) drained() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.idle == nil {
		in.idle = make(chan struct{})
	}
	idle := in.idle
	if len(in.all) == 0 {
		close(idle)
		in.idle = nil
	}
	return idle
}

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
