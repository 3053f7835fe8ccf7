package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// streamable is the endpoint of streamable HTTP. It keeps nothing between requests, so that any replica serves any of
// them. Clients of revisions before 2026-07-28 are given a session id when they say initialize; it only tells their
// cancellations from those of others, and reaches requests of the same replica.
type streamable struct {
	t        *Transport
	server   *server.MCPServer
	library  *server.StreamableHTTPServer
	requests atomic.Uint64
	draining chan struct{}
	calls    *flights // by session and id
}

func newStreamable(t *Transport, s *server.MCPServer) *streamable {
	e := &streamable{t: t, server: s, draining: make(chan struct{}), calls: newFlights()}
	e.library = server.NewStreamableHTTPServer(s, server.WithStateLess(true), server.WithDisableStreaming(true),
		server.WithDisableLocalhostProtection(true), server.WithStreamableHTTPLogger(t.Logger), server.WithHTTPContextFunc(e.bind))
	return e
}

func (e *streamable) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/mcp": e.serve}
}

func (e *streamable) drain() { close(e.draining) }

func (e *streamable) serve(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	m, message, c, ok := e.t.post(w, r)
	if !ok {
		return
	}
	defer c.end()
	if !accepts(r, "application/json") {
		refuse(w, http.StatusNotAcceptable, "want Accept: application/json, text/event-stream")
		return
	}
	x, ctx := newReply(e.t, w, r, began)
	x.server, x.caller, x.id = e.server, e.t.callerOf(r), m.ID
	defer x.end()
	switch m.Method {
	case string(mcp.MethodInitialize):
		x.session = rand.Text()
	case string(mcp.MethodSubscriptionsListen):
		if !e.t.streams.take(x.caller) {
			e.t.Refused(w, "sessions")
			w.Header().Set("Retry-After", "10")
			refuseWith(w, http.StatusServiceUnavailable, rpcError(m.ID, mcp.INTERNAL_ERROR, "there are too many subscriptions: try again later"))
			return
		}
		defer e.t.streams.give(x.caller)
		e.t.Rest(ctx)
		var stop func()
		ctx, stop = e.untilEnd(ctx)
		defer stop()
	}
	defer func() {
		if p := recover(); p != nil {
			e.t.Logger.ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
			x.fail(m.ID)
		}
	}()
	ctx, done, refused := e.t.requestInTurn(ctx, &m, x.caller)
	if refused != nil {
		x.answer(http.StatusOK, refused)
		return
	}
	defer done()
	modern := m.Params.modern() || mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
	if modern && !m.notification() { // which the library holds against the rules for requests
		e.library.ServeHTTP(x, e.forLibrary(ctx, r, message))
		return
	}
	e.legacy(ctx, r, x, &m, message)
}

// legacy answers a message of an older revision, and a notification of any. Without the library's sessions there is little to do,
// and much is saved.
func (e *streamable) legacy(ctx context.Context, r *http.Request, x *reply, m *envelope, message []byte) {
	version := r.Header.Get(mcp.HeaderProtocolVersion)
	if version != "" && m.Method != string(mcp.MethodInitialize) && !mcp.IsValidProtocolVersion(version) {
		x.answer(http.StatusBadRequest, rpcError(m.ID, mcp.INVALID_REQUEST, "the protocol version "+quoted(version)+" is not supported: want one of "+
			strings.Join(mcp.ValidProtocolVersions, ", ")))
		return
	}
	binding := e.binding(r)
	if m.cancels() {
		e.calls.cancel(binding + callKey(m.Params.RequestID))
		x.WriteHeader(http.StatusAccepted)
		return
	}
	ctx, f := e.cancellable(ctx, r, binding, m)
	defer e.calls.end(f)
	b, ok := e.t.direct(ctx, m, &x.exchange)
	if !ok {
		response := e.server.HandleMessage(e.server.WithContext(ctx, requestSession{binding}), message)
		if response == nil {
			x.WriteHeader(http.StatusAccepted)
			return
		}
		var err error
		if b, err = json.Marshal(response); err != nil {
			e.t.Logger.ErrorContext(ctx, "answer not written", "error", err)
			b = rpcError(m.ID, mcp.INTERNAL_ERROR, "internal error")
		}
	}
	if f.cancelled.Load() {
		x.unanswered()
		return
	}
	x.answer(http.StatusOK, b)
}

// cancellable lets the client cancel a request of an older revision by its id. The library would take two long numbers for one.
func (e *streamable) cancellable(ctx context.Context, r *http.Request, binding string, m *envelope) (context.Context, *flight) {
	ctx, cancel := context.WithCancel(ctx)
	f := &flight{key: binding + callKey(m.ID), cancel: cancel}
	if m.request() && r.Header.Get(server.HeaderKeySessionID) != "" {
		e.calls.add(f) // one that is too many can't be cancelled
	}
	return ctx, f
}

// requestSession is the session of one request of an older revision.
type requestSession struct{ id string }

// SessionID implements server.ClientSession.
func (s requestSession) SessionID() string { return s.id }

// Initialize implements server.ClientSession.
func (requestSession) Initialize() {}

// Initialized implements server.ClientSession.
func (requestSession) Initialized() bool { return true }

// NotificationChannel implements server.ClientSession: there is none. What belongs to the request is sent with its answer.
func (requestSession) NotificationChannel() chan<- mcp.JSONRPCNotification { return nil }

// SetLogLevel implements server.SessionWithLogging. Nothing is kept between requests.
func (requestSession) SetLogLevel(mcp.LoggingLevel) {}

// GetLogLevel implements server.SessionWithLogging.
func (requestSession) GetLogLevel() mcp.LoggingLevel { return mcp.LoggingLevelEmergency }

// forLibrary is the request as the library gets it.
func (e *streamable) forLibrary(ctx context.Context, r *http.Request, message []byte) *http.Request {
	ctx = context.WithValue(ctx, bindingKey{}, e.binding(r))
	out := r.WithContext(ctx)
	out.Header = maps.Clone(r.Header)
	out.Header.Del(server.HeaderKeySessionID) // nothing is to be kept by what a client says
	out.Body = io.NopCloser(bytes.NewReader(message))
	return out
}

// untilEnd cancels a stream that would not end by itself: when the server ends, or the leave of the client.
func (e *streamable) untilEnd(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		expired, done := timerAt(e.t.Until(ctx))
		defer done()
		select {
		case <-e.draining:
			cancel()
		case <-expired:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		wait.Wait()
	}
}

// timerAt fires at a time; the zero time never comes.
func timerAt(at time.Time) (fires <-chan time.Time, stop func()) {
	if at.IsZero() {
		return nil, func() {}
	}
	timer := time.NewTimer(time.Until(at))
	return timer.C, func() { timer.Stop() }
}

type bindingKey struct{}

// binding is the name under which a request can be cancelled: its caller and its session. A request without a session
// has one of its own: it is cancelled by closing its connection.
func (e *streamable) binding(r *http.Request) string {
	if session := r.Header.Get(server.HeaderKeySessionID); session != "" {
		return "session " + strconv.Quote(e.t.Caller(r.Context())) + " " + session + " "
	}
	return "request " + strconv.FormatUint(e.requests.Add(1), 10)
}

// bind replaces the library's session, whose id is the same for all.
func (e *streamable) bind(ctx context.Context, _ *http.Request) context.Context {
	session, ok := server.ClientSessionFromContext(ctx).(librarySession)
	id, bound := ctx.Value(bindingKey{}).(string)
	if !ok || !bound { // a change of the library: better no session than a shared one
		return e.server.WithContext(ctx, nil)
	}
	return e.server.WithContext(ctx, boundSession{session, id})
}

// librarySession is what the library's session can do of what this server needs.
type librarySession interface {
	server.SessionWithStreamableHTTPConfig
	server.SessionWithClientInfo
	server.SessionWithSubscriptionFilter
}

type boundSession struct {
	librarySession
	id string
}

// SessionID implements server.ClientSession.
func (s boundSession) SessionID() string { return s.id }
