package serve

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

// reply writes the answer to one request over HTTP. It becomes a stream of events when a notification comes before
// the answer.
type reply struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	// began is when the request did, where the server has set the deadline for its answer by then; else zero.
	began   time.Time
	session string // to be told to the client
	broken  func() // called when a stream can't be written to

	mu      sync.Mutex
	begun   bool
	stream  bool
	ended   bool
	beating *time.Timer
}

func (s *Server) newReply(w http.ResponseWriter, r *http.Request, began time.Time) *reply {
	x := &reply{broken: func() {}, server: s, w: w, r: r, control: http.NewResponseController(w), began: began}
	// Waiting for an answer has no deadline, each write of it has one.
	_ = x.control.SetReadDeadline(time.Time{}) // HTTP/1 and 2 have it; another server does without
	if r.ProtoMajor > 1 {
		_ = x.control.SetWriteDeadline(time.Time{}) // it ends a stream when it is over; before that only a write
		x.began = time.Time{}
	}
	return x
}

// begin writes the head. Nothing of it is sent before the deadline of what follows is set.
func (x *reply) begin(status int, contentType string) {
	x.deadline()
	x.begun = true
	h := x.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if contentType == eventStream {
		x.stream = true
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // nginx would hold events back
		x.beating = time.AfterFunc(x.server.period.heartbeat, x.beat)
	}
	if x.session != "" && status == http.StatusOK {
		h.Set(server.HeaderKeySessionID, x.session)
	}
	x.w.WriteHeader(status)
}

const eventStream = "text/event-stream"

// deadline is set before each write, but for an answer that comes so soon that the server's own is as good.
func (x *reply) deadline() {
	if now := time.Now(); now.Sub(x.began) > writeTimeout/10 {
		_ = x.control.SetWriteDeadline(now.Add(writeTimeout))
	}
}

// put writes a message, as an event if the stream has begun.
func (x *reply) put(m outgoing) error {
	x.deadline()
	var b []byte
	if x.stream {
		b = append(m.appendTo([]byte("event: message\ndata: ")), "\n\n"...)
	} else {
		b = append(m.appendTo(nil), '\n')
	}
	_, err := x.w.Write(b)
	return err
}

// notify sends a notification on the stream of the answer, which it begins where the client reads streams.
func (x *reply) notify(n notification) error {
	message, err := json.Marshal(n)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun && accepts(x.r, eventStream) {
		x.begin(http.StatusOK, eventStream)
	}
	if !x.stream || x.ended {
		return nil
	}
	return x.event(encoded(message))
}

var errEnded = errors.New("the request has ended")

// send sends a message on the stream, which it begins.
func (x *reply) send(m outgoing) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return errEnded
	}
	if !x.begun {
		x.begin(http.StatusOK, eventStream)
	}
	return x.event(m)
}

// open begins the stream with an event that is no message.
func (x *reply) open(event string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.begin(http.StatusOK, eventStream)
	if _, err := io.WriteString(x.w, event); err != nil {
		return err
	}
	return x.control.Flush()
}

func (x *reply) event(m outgoing) error {
	err := x.put(m)
	if err == nil {
		err = x.control.Flush()
	}
	if err != nil {
		x.broken()
	}
	return err
}

// beat keeps proxies from closing a stream on which nothing happens.
func (x *reply) beat() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.deadline()
	if _, err := io.WriteString(x.w, ":\n\n"); err != nil || x.control.Flush() != nil {
		x.broken()
		return
	}
	x.beating.Reset(x.server.period.heartbeat)
}

// answer sends the answer.
func (x *reply) answer(status int, answer *response) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.begin(status, "application/json")
	}
	_ = x.put(answer) // the client may have gone
}

// accept answers a message that wants no answer.
func (x *reply) accept() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.begun {
		x.begin(http.StatusAccepted, "")
	}
}

// unanswered ends a request that the client has cancelled: its stream ends without an answer.
func (x *reply) unanswered() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.begun:
	case accepts(x.r, eventStream):
		x.begin(http.StatusOK, eventStream)
	default:
		x.begin(http.StatusAccepted, "")
	}
}

// end stops all writing: the handler is about to return.
func (x *reply) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	if x.beating != nil {
		x.beating.Stop()
	}
}
