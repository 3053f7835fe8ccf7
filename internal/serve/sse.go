package serve

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// sse is the transport of revision 2024-11-05: the client holds a stream open for what the server sends, and posts its
// messages beside it. The stream is the session; it belongs to the caller who opened it.
type sse struct {
	server *Server
	base   string // of the paths as clients see them

	mu       sync.Mutex
	sessions map[string]*sseSession
}

// sseSession is one stream.
type sseSession struct {
	*conn
	owner string // who may post to it

	mu    sync.Mutex
	last  time.Time // when the client last posted
	until time.Time // when its authorization expires; zero is never
}

func newSSE(s *Server, base string) map[string]route {
	e := &sse{server: s, base: base, sessions: map[string]*sseSession{}}
	return map[string]route{"/sse": e.stream, "/message": e.message}
}

// draining reports that the server ends.
func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// stream serves GET /sse.
func (e *sse) stream(w http.ResponseWriter, r *http.Request, end func()) {
	defer end()
	caller := callerOf(r)
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "want GET here")
		return
	case e.server.isDraining() || !e.server.streams.take(caller, 1):
		e.server.Observer.Metrics.Refused(w, "sessions")
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "there are too many sessions: try again later")
		return
	}
	defer e.server.streams.give(caller, 1)
	end()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	x := e.server.newReply(w, r, time.Time{})
	x.broken = cancel
	s := &sseSession{owner: subject(ctx), last: time.Now(), until: until(ctx)}
	s.conn = e.server.newConn(rand.Text(), caller, x.send)
	if err := e.server.mcp.RegisterSession(ctx, s); err != nil {
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	defer e.server.mcp.UnregisterSession(ctx, s.id)
	e.serve(ctx, cancel, s, x)
}

// serve serves a session until its stream is to end and its requests are answered, or until ctx ends.
func (e *sse) serve(ctx context.Context, cancel context.CancelFunc, s *sseSession, x *reply) {
	e.mu.Lock()
	e.sessions[s.id] = s
	e.mu.Unlock()
	var wait sync.WaitGroup
	defer func() {
		x.end()
		e.mu.Lock()
		delete(e.sessions, s.id)
		e.mu.Unlock()
		s.close()
		cancel()
		wait.Wait()
	}()
	if x.open("event: endpoint\ndata: "+e.base+"/message?sessionId="+s.id+"\n\n") != nil {
		return
	}
	wait.Go(func() { s.broadcast(ctx) })
	e.server.waitForEnd(ctx, s.ends)
	select {
	case <-s.drained():
	case <-ctx.Done():
	}
}

// ends is when the stream ends if nothing else comes: no token of its client is good any more, or it has been silent
// for too long.
func (s *sseSession) ends() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := s.last.Add(s.server.period.idle)
	if s.until.IsZero() || silent.Before(s.until) {
		return silent
	}
	return s.until
}

// touch notes that the client has posted, with a token that is good until then.
func (s *sseSession) touch(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	if until.After(s.until) {
		s.until = until
	}
}

// message serves POST /message.
func (e *sse) message(w http.ResponseWriter, r *http.Request, end func()) {
	m, message, c, ok := e.server.post(w, r)
	if !ok {
		end()
		return
	}
	answered := func() { c.end(); end() }
	e.mu.Lock()
	s, found := e.sessions[r.URL.Query().Get("sessionId")]
	e.mu.Unlock()
	switch {
	case !found || s.owner != subject(r.Context()):
		answered()
		refuseWith(w, http.StatusNotFound, fail(m.ID, mcp.INVALID_PARAMS, "there is no such session: open /sse first"))
		return
	case e.server.isDraining() && m.request():
		answered()
		w.Header().Set("Retry-After", "1")
		refuseWith(w, http.StatusServiceUnavailable, fail(m.ID, mcp.INTERNAL_ERROR, "the server is shutting down"))
		return
	}
	s.touch(until(r.Context()))
	// The request goes on, and counts as one of its caller, when this one is answered; it ends with the stream.
	if err := s.receive(context.WithoutCancel(r.Context()), message, answered); err != nil {
		refuseWith(w, http.StatusNotFound, fail(m.ID, mcp.INVALID_PARAMS, "the stream has ended"))
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "Accepted")
}
