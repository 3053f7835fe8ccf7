package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
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
	server   *Server
	requests atomic.Uint64
	calls    *inFlight // by session and id
}

func newStreamable(s *Server) map[string]route {
	e := &streamable{server: s, calls: newInFlight()}
	return map[string]route{"/mcp": e.serve}
}

func (e *streamable) serve(w http.ResponseWriter, r *http.Request, end func()) {
	defer end()
	began := time.Now()
	m, message, c, ok := e.server.post(w, r)
	if !ok {
		return
	}
	defer c.end()
	if !accepts(r, "application/json") {
		refuse(w, http.StatusNotAcceptable, "want Accept: application/json, text/event-stream")
		return
	}
	x := e.server.newReply(w, r, began)
	defer x.end()
	q := &request{envelope: m, raw: message, caller: callerOf(r), notify: x.notify}
	q.modern = q.request() && (m.Params.modern() || mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)))
	if refused := e.refuses(q, r.Header); refused != nil {
		x.answer(http.StatusBadRequest, refused)
		return
	}
	switch m.Method {
	case string(mcp.MethodInitialize):
		x.session = rand.Text()
	case string(mcp.MethodSubscriptionsListen):
		e.listen(w, r, x, q, end)
		return
	}
	e.answer(r, x, q)
}

// answer answers a message that opens no stream.
func (e *streamable) answer(r *http.Request, x *reply, q *request) {
	session := oneRequest{e.binding(r, q)}
	q.session = session
	if q.cancels() {
		e.calls.cancel(session.id + idKey(q.Params.RequestID))
		x.accept()
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	p := &pending{key: session.id + idKey(q.ID), cancel: cancel}
	if q.request() && strings.HasPrefix(session.id, "session ") { // which the client can name in another request
		e.calls.add(p) // one that is too many can't be cancelled
	}
	defer e.calls.end(p)
	answer := e.server.answer(ctx, q)
	switch {
	case p.cancelled.Load():
		x.unanswered()
	case answer == nil:
		x.accept()
	default:
		x.answer(answer.status(q.modern), answer)
	}
}

// refuses checks the headers of a message. Since revision 2026-07-28 they must repeat parts of the message, for proxies
// that route by them. It returns nil for a message that may be answered.
func (e *streamable) refuses(q *request, h http.Header) *response {
	version := h.Get(mcp.HeaderProtocolVersion)
	switch said := q.Params.meta.ProtocolVersion(); {
	case !q.modern && version != "" && q.Method != string(mcp.MethodInitialize) && !mcp.IsValidProtocolVersion(version):
		return fail(q.ID, mcp.INVALID_REQUEST, "the protocol version "+quoted(version)+" is not supported: want one of "+
			strings.Join(mcp.ValidProtocolVersions, ", "))
	case !q.modern:
		return nil
	case h.Get(mcp.HeaderLastEventID) != "":
		return fail(q.ID, mcp.HEADER_MISMATCH, "Last-Event-ID is for streams of earlier protocol versions: "+
			"send the request again, with another id")
	case version == "":
		return fail(q.ID, mcp.HEADER_MISMATCH, "the header "+mcp.HeaderProtocolVersion+" is missing: want "+said)
	case said == "":
		return fail(q.ID, mcp.INVALID_PARAMS, "missing or invalid _meta field "+mcp.MetaKeyProtocolVersion)
	case version != said:
		return fail(q.ID, mcp.HEADER_MISMATCH, "the header "+mcp.HeaderProtocolVersion+" says "+quoted(version)+
			", _meta says "+quoted(said))
	case !mcp.IsValidProtocolVersion(said):
		return nil // the library says so, with the versions that there are
	}
	var m struct {
		Params json.RawMessage `json:"params"`
	}
	if json.Unmarshal(q.raw, &m) != nil {
		return nil
	}
	err := mcp.ValidateStandardHeaders(h.Get, version, mcp.MCPMethod(q.Method), m.Params)
	if err == nil {
		err = e.paramHeaders(q, h, m.Params)
	}
	if err != nil {
		return fail(q.ID, mcp.HEADER_MISMATCH, err.Error())
	}
	return nil
}

// paramHeaders does the same for arguments that the schema of a tool wants in a header.
func (e *streamable) paramHeaders(q *request, h http.Header, params json.RawMessage) error {
	if q.Method != string(mcp.MethodToolsCall) {
		return nil
	}
	t := e.server.mcp.GetTool(q.Params.Name)
	if t == nil || !bytes.Contains(t.Tool.RawInputSchema, []byte("x-mcp-header")) {
		return nil
	}
	lookup := func(name string) (string, bool) {
		values := h.Values(name)
		return h.Get(name), len(values) > 0
	}
	return mcp.ValidateParamHeadersLookup(lookup, &t.Tool, params)
}

// listen answers subscriptions/listen: its stream goes on until the client, its authorization or the server ends.
func (e *streamable) listen(w http.ResponseWriter, r *http.Request, x *reply, q *request, end func()) {
	s := e.server
	if !s.streams.take(q.caller, 1) {
		s.Observer.Metrics.Refused(w, "sessions")
		w.Header().Set("Retry-After", "10")
		busy := fail(q.ID, mcp.INTERNAL_ERROR, "there are too many subscriptions: try again later")
		x.answer(http.StatusServiceUnavailable, busy)
		return
	}
	defer s.streams.give(q.caller, 1)
	end()
	ctx, cancel := context.WithCancel(r.Context())
	ends := until(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		s.waitForEnd(ctx, func() time.Time { return ends })
		cancel()
	})
	c := s.newConn(rand.Text(), q.caller, x.send)
	c.listen, q.session, x.broken = q.ID, c, cancel
	if err := s.mcp.RegisterSession(ctx, c); err != nil {
		x.answer(http.StatusInternalServerError, fail(q.ID, mcp.INTERNAL_ERROR, "internal error"))
		return
	}
	defer s.mcp.UnregisterSession(ctx, c.id)
	wait.Go(func() { c.broadcast(ctx) })
	switch answer := s.answer(ctx, q); {
	case ctx.Err() != nil:
	case answer.err != nil:
		x.answer(answer.status(q.modern), answer)
	default:
		select {
		case c.endings <- answer:
		case <-ctx.Done():
		}
	}
}

// oneRequest is the session of one request.
type oneRequest struct{ id string }

// SessionID implements server.ClientSession.
func (s oneRequest) SessionID() string { return s.id }

// Initialize implements server.ClientSession.
func (oneRequest) Initialize() {}

// Initialized implements server.ClientSession.
func (oneRequest) Initialized() bool { return true }

// NotificationChannel implements server.ClientSession: there is none. What belongs to the request is sent with its
// answer.
func (oneRequest) NotificationChannel() chan<- mcp.JSONRPCNotification { return nil }

// SetLogLevel implements server.SessionWithLogging. Nothing is kept between requests.
func (oneRequest) SetLogLevel(mcp.LoggingLevel) {}

// GetLogLevel implements server.SessionWithLogging.
func (oneRequest) GetLogLevel() mcp.LoggingLevel { return "" }

// SetSubscriptionFilter implements server.SessionWithSubscriptionFilter.
func (oneRequest) SetSubscriptionFilter(mcp.SubscriptionFilter) {}

// SubscriptionFilter implements server.SessionWithSubscriptionFilter.
func (oneRequest) SubscriptionFilter() (f mcp.SubscriptionFilter, active bool) { return f, false }

// binding is the name under which a request can be cancelled: its caller and its session. A request without a session
// has one of its own, as has each of revision 2026-07-28: it is cancelled by closing its connection.
func (e *streamable) binding(r *http.Request, q *request) string {
	if session := r.Header.Get(server.HeaderKeySessionID); session != "" && !q.modern {
		return "session " + strconv.Quote(subject(r.Context())) + " " + session + " "
	}
	return "request " + strconv.FormatUint(e.requests.Add(1), 10)
}

// waitForEnd returns when a stream is to end: with ctx, with the server, or at a time, which may have become a later
// one by then; zero is never.
func (s *Server) waitForEnd(ctx context.Context, ends func() time.Time) {
	for {
		at := ends()
		timer := time.NewTimer(time.Until(at))
		if at.IsZero() {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.draining:
			timer.Stop()
			return
		case <-timer.C:
			if at == ends() {
				return
			}
		}
	}
}

// post reads a message that a client has posted. If there is none that can be one it answers, and ok is false. The
// message counts as one of its caller until c.end is called.
func (s *Server) post(w http.ResponseWriter, r *http.Request) (m envelope, message []byte, c *charge, ok bool) {
	c = &charge{load: s.load, caller: callerOf(r)}
	if m, message, ok = s.read(w, r, c); !ok {
		c.end()
	}
	return m, message, c, ok
}

func (s *Server) read(w http.ResponseWriter, r *http.Request, c *charge) (m envelope, message []byte, ok bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "want POST here; this server sends nothing by itself")
		return m, nil, false
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		refuse(w, http.StatusUnsupportedMediaType, "want Content-Type: application/json")
		return m, nil, false
	}
	if message, ok = s.readBody(w, r, c); !ok {
		return m, nil, false
	}
	m, refused := open(message)
	if refused != nil {
		refuseWith(w, http.StatusBadRequest, refused)
	}
	return m, message, refused == nil
}

func isJSON(contentType string) bool {
	const want = "application/json"
	if contentType == want {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == want
}

func (s *Server) readBody(w http.ResponseWriter, r *http.Request, c *charge) ([]byte, bool) {
	var tooBig *http.MaxBytesError
	c.body = http.MaxBytesReader(w, r.Body, maxMessage)
	length := int(min(max(r.ContentLength, 0), maxMessage))
	var message []byte
	err := errLoad
	if c.reserve(length) {
		buf := bytes.NewBuffer(make([]byte, 0, length+bytes.MinRead))
		_, err = buf.ReadFrom(c)
		message = buf.Bytes()
	}
	switch {
	case errors.Is(err, errLoad):
		_, _ = io.Copy(io.Discard, c.body) // a client that still sends would not see the answer
		s.Observer.Metrics.Refused(w, "busy")
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, err.Error())
	case errors.As(err, &tooBig):
		refuseWith(w, http.StatusRequestEntityTooLarge, tooLong(message))
	case err != nil:
		refuseWith(w, http.StatusBadRequest, fail(nil, mcp.PARSE_ERROR, "the message did not come whole"))
	}
	return message, err == nil
}

// accepts reports whether the client reads a media type.
func accepts(r *http.Request, kind string) bool {
	lines := r.Header.Values("Accept")
	if len(lines) == 0 {
		return true
	}
	major, _, _ := strings.Cut(kind, "/")
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case kind, major + "/*", "*/*":
			return true
		}
	}
	return false
}
