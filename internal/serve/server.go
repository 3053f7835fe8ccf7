// Package serve speaks MCP with clients: over standard input and output, streamable HTTP, and SSE. It has the order
// of a call, and closes what the protocol library leaves open: limits, identity, fairness between callers, an orderly
// end.
package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/registry"
)

// Config says what is served, and how calls are run.
type Config struct {
	// Databases have the tools, resources and prompts. Must be set.
	Databases *registry.Databases
	// Observer is told of requests, refusals and spans.
	Observer observe.Observer
	// Version is that of the server.
	Version string
	// Slots is how many calls run at once in a database that does not say so itself, shared fairly between callers; zero
	// means 10.
	Slots int
	// Access lets callers in; nil lets everybody in.
	Access *auth.Access
	// Logger must be set.
	Logger *slog.Logger
}

// Server answers requests, whatever way they come.
type Server struct {
	Config
	// mcp answers what is no plain call of a tool.
	mcp *server.MCPServer
	// info is how it names itself in each answer of revision 2026-07-28 and later.
	info    json.RawMessage
	slots   sync.Map // *fairSlots by slotsKey
	load    *quota   // bytes of messages that are not answered yet
	streams *quota   // streams that only listen
	limiter *auth.Limiter
	period  period
	// draining is closed when the server ends: streams end as soon as the requests in flight are answered.
	draining chan struct{}
}

// period holds the times that tests shorten.
type period struct {
	progress  time.Duration // between two notifications of progress
	heartbeat time.Duration // between two signs of life on a stream
	idle      time.Duration // after which an SSE session without messages ends
}

var standard = period{progress: time.Second, heartbeat: 15 * time.Second, idle: time.Hour}

// New makes a Server.
func New(c Config) *Server {
	if c.Slots == 0 {
		c.Slots = 10
	}
	s := &Server{
		Config: c, load: newQuota(maxBytesOf, maxBytesAll), streams: newQuota(maxSessionsOf, maxSessions), period: standard,
		draining: make(chan struct{}),
	}
	if c.Access != nil {
		s.limiter = c.Access.Limiter
	}
	s.mcp = c.Databases.Server(c.Version, server.WithLogging())
	s.info = serverInfo(s.mcp)
	return s
}

type slotsKey struct {
	database string
	slots    int
}

// slotsOf are those of a database: a slow one holds up no other.
func (s *Server) slotsOf(d *registry.Served) *fairSlots {
	key := slotsKey{d.Name, cmp.Or(d.Slots, s.Config.Slots)}
	known, ok := s.slots.Load(key)
	if !ok {
		known, _ = s.slots.LoadOrStore(key, newFairSlots(key.slots))
	}
	return known.(*fairSlots)
}

// serverInfo is how the library names the server in its answers.
func serverInfo(s *server.MCPServer) json.RawMessage {
	const discover = `{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"` +
		mcp.MetaKeyProtocolVersion + `":"` + mcp.ProtocolVersion20260728 + `","` + mcp.MetaKeyClientCapabilities + `":{}}}}`
	response, _ := s.HandleMessage(context.Background(), json.RawMessage(discover)).(mcp.JSONRPCResponse)
	result, ok := response.Result.(mcp.DiscoverResult)
	if !ok {
		panic("the library does not answer server/discover")
	}
	info, err := json.Marshal(result.Meta.ServerInfo())
	if err != nil {
		panic(err) // texts
	}
	return info
}

// until is when the authorization of the caller expires; streams that the caller opened end then. Zero is never.
func until(ctx context.Context) time.Time {
	if c, _ := guard.CallerFrom(ctx); c != nil {
		return c.Until
	}
	return time.Time{}
}

// subject names the caller; empty while authentication is off.
func subject(ctx context.Context) string {
	if c, ok := guard.CallerFrom(ctx); ok {
		return c.Sub
	}
	return ""
}

// request is one message of a client. The library takes it for the session, as it hands nothing else to handlers and
// hooks.
type request struct {
	session
	envelope
	raw []byte
	// modern says that it is of revision 2026-07-28 or later.
	modern bool
	// caller shares the slots with the others.
	caller string
	// notify sends a notification that belongs to this message.
	notify func(notification) error
	// err is the error of the library for it.
	err error
}

// session is what the library and the log messages need of one.
type session interface {
	server.SessionWithLogging
	server.SessionWithSubscriptionFilter
}

// answer answers a request; nil is no answer. The stages of everything that works on the database are in this function.
func (s *Server) answer(ctx context.Context, q *request) (answer *response) {
	defer s.recovered(ctx, q, &answer)
	if !q.request() {
		return s.library(ctx, q)
	}
	ctx, end := s.span(ctx, q)
	defer end()
	defer s.progress(q)()
	ctx, done, refused := s.turn(ctx, q)
	if refused != nil {
		return refused
	}
	defer done()
	if q.plainCall() {
		return s.call(ctx, q)
	}
	return s.library(ctx, q)
}

// call answers a plain tools/call without the library, which would parse the message five times and the answer twice.
func (s *Server) call(ctx context.Context, q *request) *response {
	answer, err := s.Databases.Call(ctx, q.Params.Name, q.Params.Arguments)
	if err != nil {
		return fail(q.ID, mcp.INVALID_PARAMS, err.Error())
	}
	return s.answered(q, answer)
}

// plainCall reports whether the request is a tools/call that the library would not refuse.
func (q *request) plainCall() bool {
	if q.Method != string(mcp.MethodToolsCall) || q.Params.odd || q.JSONRPC != mcp.JSONRPC_VERSION {
		return false
	}
	meta := q.Params.meta
	return !q.modern || mcp.IsValidProtocolVersion(meta.ProtocolVersion()) && meta.ClientCapabilities() != nil
}

// library answers everything else.
func (s *Server) library(ctx context.Context, q *request) *response {
	switch m := s.mcp.HandleMessage(s.mcp.WithContext(ctx, q), q.raw).(type) {
	case mcp.JSONRPCResponse:
		if q.err != nil { // of what the registry adds to a list
			return fail(q.ID, mcp.INTERNAL_ERROR, q.err.Error())
		}
		return s.result(ctx, q, m.Result)
	case mcp.JSONRPCError:
		return s.failure(ctx, q, m.Error)
	}
	return nil
}

// recovered turns a panic into an answer.
func (s *Server) recovered(ctx context.Context, q *request, answer **response) {
	if p := recover(); p != nil {
		s.Logger.ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
		*answer = fail(q.ID, mcp.INTERNAL_ERROR, "internal error")
		(*answer).panicked = true
	}
}

// span begins the span of a request that works on the database.
func (s *Server) span(ctx context.Context, q *request) (_ context.Context, end func()) {
	tool := ""
	switch q.Method {
	case string(mcp.MethodToolsCall):
		tool = q.Params.Name
	case string(mcp.MethodResourcesRead):
	default:
		return ctx, func() {}
	}
	var meta map[string]any
	if q.Params.meta != nil {
		meta = q.Params.meta.AdditionalFields
	}
	return s.Observer.Tracer.Request(ctx, q.Method, tool, meta)
}

// progress tells a client that asks for it, once a second, that its request is still at work. The last notification
// has been written when done returns.
func (s *Server) progress(q *request) (done func()) {
	token := q.Params.progressToken()
	if token == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.notifyProgress(q, token, stop)
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

func (s *Server) notifyProgress(q *request, token json.RawMessage, stop <-chan struct{}) {
	ticker := time.NewTicker(s.period.progress)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		err := q.notify(notification{"2.0", "notifications/progress", map[string]any{
			"progressToken": token, "progress": n, "message": fmt.Sprintf("running for %d s", n),
		}})
		if err != nil { // the client has gone: the request is being cancelled
			return
		}
	}
}

// turn waits for a slot, if the request works on the database. refused is the answer where there is none.
func (s *Server) turn(ctx context.Context, q *request) (_ context.Context, done func(), refused *response) {
	about := q.Method // for the log of backends that can't be stopped
	switch q.Method {
	case string(mcp.MethodToolsCall):
		about = q.Params.Name
	case string(mcp.MethodResourcesList), string(mcp.MethodResourcesRead), string(mcp.MethodCompletionComplete):
	case string(mcp.MethodToolsList):
		if _, authenticated := guard.CallerFrom(ctx); !authenticated {
			return ctx, func() {}, nil // it is the same for everybody
		}
	default:
		return ctx, func() {}, nil
	}
	slot, err := s.slotIn(ctx, q, s.Databases.Of(ctx, q.Method, q.Params.Name, q.Params.Place))
	if err != nil {
		return s.noTurn(ctx, q, err)
	}
	return guard.WithTurn(ctx, slot, about), slot.give, nil
}

// slotIn takes a slot of one of the databases: a request that asks all of them is not held up by one that is slow.
func (s *Server) slotIn(ctx context.Context, q *request, in []*registry.Served) (*turn, error) {
	for _, d := range in {
		if slot := s.slotsOf(d).now(q.caller); slot != nil {
			return slot, nil
		}
	}
	q.log("the call waits for its turn: all slots are taken")
	return s.slotsOf(in[0]).take(ctx, q.caller)
}

// noTurn answers a request that gets no slot.
func (s *Server) noTurn(ctx context.Context, q *request, err error) (_ context.Context, done func(), no *response) {
	if err == errBusy || err == errStuck {
		s.Observer.Metrics.Refused(nil, "busy")
	}
	switch {
	case q.Method == string(mcp.MethodToolsList) && err == errStuck: // a client without a list has no session
		return ctx, func() {}, nil
	case q.Method == string(mcp.MethodToolsCall):
		return ctx, nil, s.answered(q, noSlot(err))
	}
	return ctx, nil, fail(q.ID, mcp.INTERNAL_ERROR, err.Error())
}

// noSlot is the answer to a call that gets no slot.
func noSlot(err error) *registry.Answer {
	if err == errBusy || err == errStuck {
		return registry.ErrorAnswer(&registry.Error{Code: "busy", Message: err.Error(), Retryable: true})
	}
	return registry.ErrorAnswer(&registry.Error{Code: "57014", Message: "the call was cancelled"})
}

// log sends a log message to a client that listens to such.
func (q *request) log(text string) {
	level := q.GetLogLevel()
	if q.modern {
		level = q.Params.meta.LogLevel()
	}
	if level == "" || !mcp.LoggingLevelInfo.ShouldSendTo(level) {
		return
	}
	_ = q.notify(notification{"2.0", "notifications/message", map[string]any{
		"level": mcp.LoggingLevelInfo, "logger": "mcp-postgres", "data": text,
	}}) // a client that does not hear it need not
}

// NoteError implements registry.ErrorSession.
func (q *request) NoteError(err error) { q.err = err }
