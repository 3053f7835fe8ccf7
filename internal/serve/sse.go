package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/auth"
)

// sse is the transport of revision 2024-11-05: the client holds a stream open for what the server sends, and posts its
// messages beside it. The stream is the session; it belongs to the caller who opened it.
type sse struct {
	server *Server
	base   string // of the paths as clients see them

	mu       sync.Mutex
	sessions map[string]*sseSession
	draining bool
}

// sseSession is one stream.
type sseSession struct {
	*conn
	owner string // who may post to it
	out   chan []byte
	done  chan struct{} // closed when the stream has ended

	mu    sync.Mutex
	last  time.Time     // when the client last posted
	until time.Time     // when its leave ends; zero is never
	later chan struct{} // told when that has changed
}

var errStreamEnded = errors.New("the stream has ended")

func newSSE(s *Server, base string) *sse {
	return &sse{base: base, server: s, sessions: map[string]*sseSession{}}
}

func (e *sse) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/sse": e.stream, "/message": e.message}
}

func (e *sse) drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = true
	for _, s := range e.sessions {
		go s.leave()
	}
}

// leave ends the stream when the requests in flight are answered.
func (s *sseSession) leave() {
	select {
	case <-s.drained():
		s.enqueue(nil)
	case <-s.done:
	}
}

// enqueue hands a message to the stream; nil ends it.
func (s *sseSession) enqueue(message []byte) {
	select {
	case s.out <- message:
	case <-s.done:
	}
}

// open makes a session, unless there are too many.
func (e *sse) open(caller, owner string, until time.Time) *sseSession {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining || !e.server.streams.take(caller) {
		return nil
	}
	s := &sseSession{owner: owner, out: make(chan []byte, 16), done: make(chan struct{}), later: make(chan struct{}, 1), last: time.Now(), until: until}
	s.conn = e.server.newConn(rand.Text(), caller, func(m outgoing) error {
		select {
		case s.out <- m.appendTo(nil):
			return nil
		case <-s.done:
			return errStreamEnded
		}
	})
	e.sessions[s.id] = s
	return s
}

func (e *sse) remove(s *sseSession) {
	e.mu.Lock()
	delete(e.sessions, s.id)
	e.mu.Unlock()
	e.server.streams.give(s.caller)
	close(s.done)
	s.close()
}

// stream serves GET /sse.
func (e *sse) stream(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "want GET here")
		return
	}
	s := e.open(callerOf(r), subject(r.Context()), until(r.Context()))
	if s == nil {
		e.server.Observer.Metrics.Refused(w, "sessions")
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "there are too many sessions: try again later")
		return
	}
	defer e.remove(s)
	auth.Rest(r.Context())
	if err := e.server.mcp.RegisterSession(r.Context(), s); err != nil {
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	defer e.server.mcp.UnregisterSession(r.Context(), s.id)
	ctx, cancel := context.WithCancel(r.Context())
	var wait sync.WaitGroup
	wait.Go(func() { s.broadcast(ctx) })
	wait.Go(func() { s.expire(ctx) })
	defer wait.Wait()
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no")
	if err := e.write(ctx, w, s); err != nil {
		e.server.Logger.DebugContext(ctx, "stream ended", "error", err)
	}
}

// write writes events until the stream ends.
func (e *sse) write(ctx context.Context, w http.ResponseWriter, s *sseSession) error {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // a stream goes on; each write has a deadline
	event := func(format string, args ...any) error {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := fmt.Fprintf(w, format, args...)
		return errors.Join(err, control.Flush())
	}
	if err := event("event: endpoint\ndata: %s/message?sessionId=%s\n\n", e.base, s.id); err != nil {
		return err
	}
	beat := time.NewTicker(e.server.period.heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case message := <-s.out:
			if message == nil {
				return nil
			}
			err = event("event: message\ndata: %s\n\n", message)
		case <-beat.C:
			if s.idle(e.server.period.idle) {
				return errors.New("the client was silent for too long")
			}
			err = event(":\n\n")
		}
		if err != nil {
			return err
		}
	}
}

func (s *sseSession) idle(most time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last) > most
}

// touch notes that the client has posted, with a token that is good until then.
func (s *sseSession) touch(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	if until.After(s.until) {
		s.until = until
		select {
		case s.later <- struct{}{}:
		default:
		}
	}
}

// expire ends the stream, after the requests in flight, when no token of its client is good any more.
func (s *sseSession) expire(ctx context.Context) {
	for {
		s.mu.Lock()
		until := s.until
		s.mu.Unlock()
		expired, stop := timerAt(until)
		select {
		case <-s.later:
		case <-expired:
			s.leave()
			return
		case <-ctx.Done():
			stop()
			return
		}
		stop()
	}
}

// message serves POST /message.
func (e *sse) message(w http.ResponseWriter, r *http.Request) {
	m, message, c, ok := e.server.post(w, r)
	if !ok {
		return
	}
	e.mu.Lock()
	s, found := e.sessions[r.URL.Query().Get("sessionId")]
	draining := e.draining
	e.mu.Unlock()
	switch {
	case !found || s.owner != subject(r.Context()):
		c.end()
		refuseWith(w, http.StatusNotFound, fail(m.ID, mcp.INVALID_PARAMS, "there is no such session: open /sse first"))
		return
	case draining && m.request():
		c.end()
		w.Header().Set("Retry-After", "1")
		refuseWith(w, http.StatusServiceUnavailable, fail(m.ID, mcp.INTERNAL_ERROR, "the server is shutting down"))
		return
	}
	s.touch(until(r.Context()))
	// The request goes on when this one is answered; it ends with the stream.
	// It counts as a request of its caller until it is answered, too.
	release := auth.Hold(r.Context())
	answered := func() { c.end(); release() }
	if err := s.receive(context.WithoutCancel(r.Context()), message, answered); err != nil {
		refuseWith(w, http.StatusNotFound, fail(m.ID, mcp.INVALID_PARAMS, errStreamEnded.Error()))
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "Accepted")
}
