package transport

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
// cancellations from those of others.
type streamable struct {
	t        *Transport
	server   *server.MCPServer
	library  *server.StreamableHTTPServer
	requests atomic.Uint64
	draining chan struct{}
}

func newStreamable(t *Transport, s *server.MCPServer) *streamable {
	e := &streamable{t: t, server: s, draining: make(chan struct{})}
	e.library = server.NewStreamableHTTPServer(s, server.WithStateLess(true), server.WithDisableStreaming(true),
		server.WithDisableLocalhostProtection(true), server.WithStreamableHTTPLogger(t.Logger), server.WithHTTPContextFunc(e.bind))
	return e
}

func (e *streamable) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/mcp": e.serve}
}

func (e *streamable) drain() { close(e.draining) }

func (e *streamable) serve(w http.ResponseWriter, r *http.Request) {
	m, message, ok := post(w, r)
	if !ok {
		return
	}
	if !accepts(r, "application/json") {
		refuse(w, http.StatusNotAcceptable, "want Accept: application/json, text/event-stream")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	x := newReply(e.t, ctx, w, accepts(r, "text/event-stream"))
	x.caller = e.t.callerOf(r)
	defer x.end()
	switch m.Method {
	case string(mcp.MethodInitialize):
		x.session = rand.Text()
	case string(mcp.MethodSubscriptionsListen):
		stop := e.untilDrained(ctx, cancel)
		defer stop()
	}
	defer func() {
		if p := recover(); p != nil {
			e.t.Logger.ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
			x.fail(m.ID)
		}
	}()
	if isModern(r, message) {
		e.library.ServeHTTP(x, e.forLibrary(ctx, r, x, message))
		return
	}
	e.legacy(ctx, r, x, &m, message)
}

// isModern reports whether a request is of revision 2026-07-28 or later: it says so in a header or in its text.
func isModern(r *http.Request, message []byte) bool {
	return mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)) || bytes.Contains(message, []byte(mcp.MetaKeyProtocolVersion))
}

// legacy answers a message of an older revision. Without the library's sessions there is little to do, and much is saved.
func (e *streamable) legacy(ctx context.Context, r *http.Request, x *reply, m *envelope, message []byte) {
	version := r.Header.Get(mcp.HeaderProtocolVersion)
	if version != "" && m.Method != string(mcp.MethodInitialize) && !mcp.IsValidProtocolVersion(version) {
		x.answer(http.StatusBadRequest, rpcError(m.ID, mcp.INVALID_REQUEST, "the protocol version "+quoted(version)+" is not supported: want one of "+
			strings.Join(mcp.LegacyProtocolVersions(), ", ")))
		return
	}
	response := e.server.HandleMessage(e.server.WithContext(withExchange(ctx, &x.exchange), requestSession{e.binding(r)}), message)
	if response == nil {
		x.WriteHeader(http.StatusAccepted)
		return
	}
	b, err := json.Marshal(response)
	if err != nil {
		e.t.Logger.ErrorContext(ctx, "answer not written", "error", err)
		b = rpcError(m.ID, mcp.INTERNAL_ERROR, "internal error")
	}
	x.answer(http.StatusOK, b)
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
func (e *streamable) forLibrary(ctx context.Context, r *http.Request, x *reply, message []byte) *http.Request {
	ctx = context.WithValue(withExchange(ctx, &x.exchange), bindingKey{}, e.binding(r))
	out := r.WithContext(ctx)
	out.Header = maps.Clone(r.Header)
	out.Header.Del(server.HeaderKeySessionID) // nothing is to be kept by what a client says
	out.Body = io.NopCloser(bytes.NewReader(message))
	return out
}

// untilDrained cancels a stream that would not end by itself.
func (e *streamable) untilDrained(ctx context.Context, cancel context.CancelFunc) (stop func()) {
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-e.draining:
			cancel()
		case <-ctx.Done():
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}

type bindingKey struct{}

// binding is the name under which a request can be cancelled: its caller and its session. A request without a session
// has one of its own: it is cancelled by closing its connection.
func (e *streamable) binding(r *http.Request) string {
	if session := r.Header.Get(server.HeaderKeySessionID); session != "" {
		return "session " + strconv.Quote(e.t.Caller(r.Context())) + " " + session
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

// reply writes the answer to one request. The answer becomes a stream of events when a notification comes before it.
type reply struct {
	exchange
	t       *Transport
	words   func([]byte) []byte
	w       http.ResponseWriter
	control *http.ResponseController
	events  bool   // the client reads event streams
	session string // to be told to the client

	mu      sync.Mutex
	begun   bool
	stream  bool
	plain   bool // an error in plain text, which becomes one of the protocol
	ended   bool
	beating *time.Timer
}

func newReply(t *Transport, ctx context.Context, w http.ResponseWriter, events bool) *reply {
	x := &reply{t: t, w: w, control: http.NewResponseController(w), events: events}
	x.words = func(b []byte) []byte { return t.plainWords(ctx, b) }
	x.notify = x.notification
	// From here on a deadline is set before each write; waiting for an answer has none.
	_ = x.control.SetReadDeadline(time.Time{})  // HTTP/1 and 2 have it; another server does without
	_ = x.control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream when it is over, HTTP/1 only a write
	return x
}

// Header implements http.ResponseWriter.
func (x *reply) Header() http.Header { return x.w.Header() }

// WriteHeader implements http.ResponseWriter.
func (x *reply) WriteHeader(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.begin(status)
	}
}

func (x *reply) begin(status int) {
	x.begun = true
	h := x.w.Header()
	switch kind := h.Get("Content-Type"); {
	case kind == "text/event-stream":
		x.stream = true
		h.Set("X-Accel-Buffering", "no") // nginx would hold events back
		x.beating = time.AfterFunc(x.t.period.heartbeat, x.beat)
	case status >= 400 && kind != "application/json":
		x.plain = true
		h.Set("Content-Type", "application/json")
	}
	if x.session != "" && status == http.StatusOK {
		h.Set(server.HeaderKeySessionID, x.session)
	}
	x.deadline()
	x.w.WriteHeader(status)
}

func (x *reply) deadline() { _ = x.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }

var (
	eventStart = []byte("event: message\ndata: ")
	eventEnd   = []byte("\n\n")
)

// Write implements http.ResponseWriter. The library writes each message at once.
func (x *reply) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.begin(http.StatusOK)
	}
	message, _ := bytes.CutPrefix(bytes.TrimSpace(p), eventStart)
	if x.plain {
		message = rpcError(nil, mcp.INVALID_REQUEST, string(message))
	}
	return len(p), x.put(x.large.restore(nil, x.words(message)))
}

func (x *reply) put(message []byte) error {
	x.deadline()
	if !x.stream {
		_, err := x.w.Write(append(message, '\n'))
		return err
	}
	event := make([]byte, 0, len(eventStart)+len(message)+len(eventEnd))
	_, err := x.w.Write(append(append(append(event, eventStart...), message...), eventEnd...))
	return err
}

// Flush implements http.Flusher.
func (x *reply) Flush() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.deadline()
	_ = x.control.Flush() // the next write tells
}

// notification sends one on the stream of the answer, which it begins. The library's own way loses the last one.
func (x *reply) notification(n notification) error {
	message, err := json.Marshal(n)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun && x.events {
		x.w.Header().Set("Content-Type", "text/event-stream")
		x.w.Header().Set("Cache-Control", "no-cache")
		x.begin(http.StatusOK)
	}
	if !x.stream || x.ended {
		return nil
	}
	if err := x.put(message); err != nil {
		return err
	}
	return x.control.Flush()
}

// beat keeps proxies from closing a stream on which nothing happens.
func (x *reply) beat() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.deadline()
	if _, err := io.WriteString(x.w, ":\n\n"); err == nil && x.control.Flush() == nil {
		x.beating.Reset(x.t.period.heartbeat)
	}
}

// answer sends the answer, as an event if the stream has begun.
func (x *reply) answer(status int, message []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.w.Header().Set("Content-Type", "application/json")
		x.begin(status)
	}
	_ = x.put(x.large.restore(nil, x.words(message))) // the client may have gone
}

// fail answers after a panic.
func (x *reply) fail(id []byte) {
	x.answer(http.StatusInternalServerError, rpcError(id, mcp.INTERNAL_ERROR, "internal error"))
}

// end makes sure that nothing is written after the request.
func (x *reply) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	if x.beating != nil {
		x.beating.Stop()
	}
}
