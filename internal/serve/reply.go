package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// reply writes the answer to one request. The answer becomes a stream of events when a notification comes before it.
type reply struct {
	exchange
	t       *Transport
	words   func([]byte) []byte
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	began   time.Time // of the request, where the server has set the deadline for its answer by then; zero where there is none
	session string    // to be told to the client
	id      json.RawMessage

	mu      sync.Mutex
	begun   bool
	stream  bool
	plain   bool // an error in plain text, which becomes one of the protocol
	ended   bool
	beating *time.Timer
}

// newReply also gives the context of the request with the exchange in it.
func newReply(t *Transport, w http.ResponseWriter, r *http.Request, began time.Time) (*reply, context.Context) {
	x := &reply{t: t, w: w, r: r, control: http.NewResponseController(w), began: began}
	ctx := withExchange(r.Context(), &x.exchange)
	x.words = func(b []byte) []byte { return withID(t.plainWords(ctx, b), x.id) }
	x.notify = x.notification
	// Waiting for an answer has no deadline, each write of it has one.
	_ = x.control.SetReadDeadline(time.Time{}) // HTTP/1 and 2 have it; another server does without
	if r.ProtoMajor > 1 {
		_ = x.control.SetWriteDeadline(time.Time{}) // it ends a stream when it is over; before that only a write
		x.began = time.Time{}
	}
	return x, ctx
}

// Header implements http.ResponseWriter.
func (x *reply) Header() http.Header { return x.w.Header() }

// WriteHeader implements http.ResponseWriter.
func (x *reply) WriteHeader(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.deadline()
		x.begin(status)
	}
}

// begin writes the head. Nothing of it is sent before the deadline of what follows is set.
func (x *reply) begin(status int) {
	x.begun = true
	if x.status != 0 && status == http.StatusOK {
		status = x.status
	}
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
	x.w.WriteHeader(status)
}

// deadline is set before each write, but for an answer that comes so soon that the server's own is as good.
func (x *reply) deadline() {
	if now := time.Now(); now.Sub(x.began) > writeTimeout/10 {
		_ = x.control.SetWriteDeadline(now.Add(writeTimeout))
	}
}

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
	if !x.begun && accepts(x.r, "text/event-stream") {
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

// unanswered ends a request that the client has cancelled: the stream of its events ends without an answer.
func (x *reply) unanswered() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.begun:
	case accepts(x.r, "text/event-stream"):
		x.w.Header().Set("Content-Type", "text/event-stream")
		x.deadline()
		x.begin(http.StatusOK)
	default:
		x.begin(http.StatusAccepted)
	}
}

// fail answers after a panic.
func (x *reply) fail(id []byte) {
	x.large = body{}
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
