package serve_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/serve"
)

// session opens a stream and gives the path to post to.
func (s *site) session(headers ...string) (*stream, string) {
	s.t.Helper()
	st := s.open("/sse", "", headers...)
	path := st.next()
	if !strings.HasPrefix(path, "/message?sessionId=") {
		s.t.Fatalf("the first event is %q, want where to post to", path)
	}
	return st, path
}

func (s *site) message(path, body string, headers ...string) int {
	s.t.Helper()
	a, err := s.do(s.t.Context(), http.MethodPost, path, body, headers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode
}

func TestSSE(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE})
	st, path := s.session()
	if h := st.res.Header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the stream's headers are %v", h)
	}
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{initialize, 202, `"protocolVersion":"2025-06-18"`},
		{call("1", "echo", "hi"), 202, `"text":"hi"`},
		{panics, 202, `"message":"internal error"`},
		{call("1", "nope", "hi"), 202, `unknown tool \"nope\"`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, 202, `"result":{}`},
		{"{", 400, ""},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, ""},
		{strings.Repeat(" ", serve.MaxMessage+1), 413, ""},
	} {
		if got := s.message(path, test.body); got != test.status {
			t.Errorf("posting %.60s = %d, want %d", test.body, got, test.status)
		}
		if test.want != "" {
			if got := st.next(); !strings.Contains(got, test.want) {
				t.Errorf("%.60s is answered with %s, want %s", test.body, got, test.want)
			}
		}
	}
	s.mcp.DeleteTools("panic")
	if got := st.next(); !strings.Contains(got, "tools/list_changed") {
		t.Errorf("after a change the event is %s", got)
	}
	if a, err := s.do(t.Context(), http.MethodPost, "/sse", "{}"); err != nil || a.StatusCode != 405 {
		t.Errorf("POST /sse = %d %v, want 405", a.StatusCode, err)
	}
}

func TestSSESessionIsBound(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE}, protect)
	st, path := s.session(callerHeader, "alice")
	for _, test := range []struct {
		path, who string
		status    int
	}{{path, "alice", 202}, {path, "mallory", 404}, {path, "", 401}, {"/message?sessionId=guess", "alice", 404}, {"/message", "alice", 404}} {
		if got := s.message(test.path, call("1", "echo", "by "+test.who), callerHeader, test.who); got != test.status {
			t.Errorf("%s posts to %s = %d, want %d", test.who, test.path, got, test.status)
		}
	}
	if got := st.next(); !strings.Contains(got, "by alice") {
		t.Errorf("alice's stream has %s", got)
	}
	if got := s.message(path, call("2", "block", "b"), callerHeader, "alice"); got != 202 {
		t.Fatal(got)
	}
	receive(t, "the call begins", s.tools.began)
	const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`
	_, other := s.session(callerHeader, "alice")
	s.message(other, cancel, callerHeader, "alice")
	s.message(path, cancel, callerHeader, "mallory")
	s.tools.release <- struct{}{}
	if got := st.next(); !strings.Contains(got, "released b") {
		t.Errorf("another's cancellation: %s", got)
	}
	s.message(path, call("2", "block", "b"), callerHeader, "alice")
	receive(t, "the call begins", s.tools.began)
	s.message(path, cancel, callerHeader, "alice")
	receive(t, "the caller's own cancellation", s.tools.ended)
	s.message(path, ping, callerHeader, "alice")
	if got := st.next(); !strings.Contains(got, `"id":"ping"`) {
		t.Errorf("a cancelled call = %s, want no answer", got)
	}
}

func TestSSEEnds(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE, ShutdownTimeout: time.Hour})
	st, path := s.session()
	s.message(path, call("1", "block", "gone"))
	receive(t, "the call begins", s.tools.began)
	st.cancel()
	receive(t, "the call ends with its stream", s.tools.ended)
	waitFor(t, "the session ends", func() bool { return s.message(path, call("2", "echo", "hi")) == 404 })

	st, path = s.session()
	s.message(path, call("3", "block", "late"))
	receive(t, "the call begins", s.tools.began)
	s.stop()
	s.tools.release <- struct{}{}
	if got := st.next(); !strings.Contains(got, "released late") {
		t.Errorf("a call in flight at the end gives %q, want its answer", got)
	}
	if got := st.next(); got != "" {
		t.Errorf("after the end the stream has %s", got)
	}
}

// TestStreamsEndWithTheirTokens: the caller's name is how long its token is good.
func TestStreamsEndWithTheirTokens(t *testing.T) {
	begin := time.Now()
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE}, protect)
	st, path := s.session(callerHeader, "500ms")
	s.message(path, call("1", "block", "late"), callerHeader, "500ms")
	receive(t, "the call begins", s.tools.began)
	time.Sleep(time.Until(begin.Add(600 * time.Millisecond)))
	s.tools.release <- struct{}{}
	if got := st.next(); !strings.Contains(got, "released late") {
		t.Errorf("a call in flight when the token ends gives %q, want its answer", got)
	}
	if got := st.next(); got != "" {
		t.Errorf("after the token's end the stream has %s", got)
	}
	for name, ends := range map[string]bool{"1s": true, "1h": false, "no end": false} {
		listen := startServer(t, serve.Config{}, serve.HTTPConfig{}, protect)
		body, headers := modern(`"sub"`, "subscriptions/listen", "", `"notifications":{"toolsListChanged":true},`)
		st := listen.open("/mcp", body, append(headers, callerHeader, name)...)
		if got := st.next(); !strings.Contains(got, "subscriptions/acknowledged") {
			t.Errorf("%s: the first event = %s, want the acknowledgement", name, got)
		}
		if !ends {
			time.Sleep(time.Until(begin.Add(1100 * time.Millisecond)))
			listen.mcp.DeleteTools("panic")
		}
		if got := st.next(); ends != (got == "") {
			t.Errorf("%s: the stream has %q, ends %v", name, got, ends)
		}
	}
}

// TestStreamsLiveWithNewTokens: a client that posts with a token that is good for longer keeps its stream.
func TestStreamsLiveWithNewTokens(t *testing.T) {
	begin := time.Now()
	var posted atomic.Bool
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := called("alice")
			if c.Until = begin.Add(500 * time.Millisecond); posted.Load() {
				c.Until = begin.Add(time.Hour)
			}
			next.ServeHTTP(w, r.WithContext(guard.WithCaller(r.Context(), c)))
		})
	})
	st, path := s.session()
	posted.Store(true)
	s.message(path, call("1", "echo", "one"))
	st.next()
	time.Sleep(time.Until(begin.Add(700 * time.Millisecond)))
	s.message(path, call("2", "echo", "two"))
	if got := st.next(); !strings.Contains(got, "two") {
		t.Errorf("after a newer token the stream has %q, want the answer", got)
	}
}

func TestSSESessionsAreBounded(t *testing.T) {
	o := observe.Observer{Metrics: observe.NewMetrics("1", false)}
	s := startServer(t, serve.Config{Observer: o}, serve.HTTPConfig{Kind: serve.SSE})
	for range 100 {
		s.session()
	}
	a, err := s.do(t.Context(), http.MethodGet, "/sse", "")
	if err != nil || a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(numbers(o), `refusals_total{reason="sessions"} 1`) {
		t.Errorf("one session more = %d %s %v, want 503", a.StatusCode, a.body, err)
	}
	idle := serveHurried(t, serve.HTTPConfig{Kind: serve.SSE}, time.Millisecond, 0)
	st, _ := idle.session()
	if got := st.next(); got != "" {
		t.Errorf("a silent session has %s, want its end", got)
	}
}
