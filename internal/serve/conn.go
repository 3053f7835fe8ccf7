package serve

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// conn is a connection that carries messages both ways: standard input and output, or the stream of SSE. It is the
// session that the protocol library sees. Reading never waits for a request to be answered, so that a ping is answered
// and a cancellation heard whatever else goes on.
type conn struct {
	t      *Transport
	server *server.MCPServer
	id     string
	caller string                              // for the turns
	send   func([]byte) error                  // writes one message; safe for concurrent use
	whole  func(message []byte, b *body) error // the same, with the answer that was kept away from the message

	broadcasts chan mcp.JSONRPCNotification
	endings    chan []byte // answers that must come after the broadcasts before them

	*flights

	mu     sync.Mutex // guards what follows
	ready  bool
	level  mcp.LoggingLevel
	legacy bool                   // the client has said initialize
	wants  mcp.SubscriptionFilter // what a client without it has subscribed to
	listen json.RawMessage        // the id of its subscription
}

func (t *Transport) newConn(s *server.MCPServer, id, caller string, send func([]byte) error) *conn {
	whole := func(message []byte, b *body) error { return send(b.restore(nil, message)) }
	return &conn{
		whole: whole, t: t, level: mcp.LoggingLevelError, server: s, id: id, caller: caller, send: send,
		broadcasts: make(chan mcp.JSONRPCNotification, 100), endings: make(chan []byte), flights: newFlights(),
	}
}

// receive takes one message. The request is answered later; ctx carries the identity of who sent it. answered is called when
// there is nothing left to answer.
func (c *conn) receive(ctx context.Context, message []byte, answered func()) error {
	later := false
	defer func() {
		if !later {
			answered()
		}
	}()
	m, refused := open(message)
	switch {
	case refused != nil:
		return c.send(refused)
	case m.cancels():
		c.cancel(callKey(m.Params.RequestID))
		return nil
	case !m.request():
		if ctx, err := c.enter(ctx); err == nil { // who is not let in is not heard
			c.server.HandleMessage(c.server.WithContext(ctx, c), message)
		}
		return nil
	case m.Method == string(mcp.MethodPing): // answered also when nothing else is
		c.answer(ctx, &m, message, &flight{})
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &flight{key: callKey(m.ID), cancel: cancel, bytes: len(message)}
	if !c.add(f) {
		cancel()
		c.t.Refused(nil, "busy")
		return c.send(rpcError(m.ID, mcp.INTERNAL_ERROR, errBusy.Error()))
	}
	c.note(&m)
	later = true
	go func() {
		defer answered()
		defer c.end(f)
		c.answer(ctx, &m, message, f)
	}()
	return nil
}

// callKey writes an id in one form, for the client may write the same one in several.
func callKey(id json.RawMessage) string {
	if len(id) >= maxExact && id[0] != '"' {
		return string(id) // two of these could be one as floats
	}
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	key, err := json.Marshal(v)
	if err != nil {
		return string(id)
	}
	return string(key)
}

// note keeps what a request says of its client.
func (c *conn) note(m *envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.Method {
	case string(mcp.MethodInitialize):
		c.legacy = true
	case string(mcp.MethodSubscriptionsListen):
		c.listen = m.ID
	}
	c.ready = c.ready || !c.legacy // who does not begin with initialize needs no beginning
}

// answer answers a request, unless the client has cancelled it.
func (c *conn) answer(ctx context.Context, m *envelope, message []byte, f *flight) {
	x := &exchange{server: c.server, caller: c.caller, notify: func(n notification) error { return c.sendJSON(n) }}
	ctx, err := c.enter(ctx)
	if err != nil {
		if err = c.send(rpcError(m.ID, codeRefused, err.Error())); err != nil {
			c.t.Logger.DebugContext(ctx, "answer not sent", "error", err)
		}
		return
	}
	ctx = withExchange(c.server.WithContext(ctx, c), x)
	ctx, done, b := c.t.requestInTurn(ctx, m, c.caller)
	if b == nil {
		b, err = c.handle(ctx, m, message, x)
		done()
	}
	switch {
	case err != nil || b == nil && x.large.result == nil || f.cancelled.Load():
	case m.Method == string(mcp.MethodSubscriptionsListen):
		select {
		case c.endings <- b:
		case <-ctx.Done():
		}
	default:
		err = c.whole(withID(c.t.plainWords(ctx, b), m.ID), &x.large)
	}
	if err != nil {
		c.t.Logger.DebugContext(ctx, "answer not sent", "error", err)
	}
}

// codeRefused is the JSON-RPC code of a request whose caller is not let in; HTTP says 401 or 403.
const codeRefused = -32001

// enter finds the caller, where the transport has not: over stdio.
func (c *conn) enter(ctx context.Context) (context.Context, error) {
	if c.t.Enter == nil {
		return ctx, nil
	}
	entered, err := c.t.Enter(ctx)
	if err != nil {
		return ctx, err
	}
	return entered, nil
}

// handle gives the answer. A panic becomes one, too.
func (c *conn) handle(ctx context.Context, m *envelope, message []byte, x *exchange) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.t.Logger.ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
			b, err = rpcError(m.ID, mcp.INTERNAL_ERROR, "internal error"), nil
		}
	}()
	if b, ok := c.t.direct(ctx, m, x); ok {
		return b, nil
	}
	response := c.server.HandleMessage(ctx, message)
	if response == nil {
		return nil, nil
	}
	return json.Marshal(response)
}

func (c *conn) sendJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.send(b)
}

// broadcast sends what the server tells all its clients, until ctx ends.
func (c *conn) broadcast(ctx context.Context) {
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case n := <-c.broadcasts:
			err = c.tell(n)
		case b := <-c.endings:
			for len(c.broadcasts) > 0 && err == nil {
				err = c.tell(<-c.broadcasts)
			}
			err = errors.Join(err, c.send(b))
		}
		if err != nil {
			c.t.Logger.DebugContext(ctx, "notification not sent", "error", err)
		}
	}
}

func (c *conn) tell(n mcp.JSONRPCNotification) error {
	c.mu.Lock()
	if !c.legacy && c.listen != nil {
		n.Params.Meta = map[string]any{mcp.MetaKeySubscriptionID: c.listen}
	}
	c.mu.Unlock()
	return c.sendJSON(n)
}
