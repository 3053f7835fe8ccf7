package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	clienttransport "github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/serve"
)

func TestWrongInput(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	unknownVersion, modernHeaders := modern("1", "tools/list", "", "")
	long := `{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":"` + strings.Repeat("x", serve.MaxMessage) + `"}}`
	tests := []struct {
		name, method, body string
		headers            []string
		status, code       int
		want               string
	}{
		{"a call", "POST", call("1", "echo", "hi"), nil, 200, 0, `"text":"hi"`},
		{"any Accept", "POST", call("1", "echo", "hi"), []string{"Accept", "*/*"}, 200, 0, `"text":"hi"`},
		{"no Accept", "POST", call("1", "echo", "hi"), []string{"Accept", ""}, 200, 0, `"text":"hi"`},
		{"charset", "POST", call("1", "echo", "hi"), []string{"Content-Type", "application/json; charset=utf-8"}, 200, 0, `"text":"hi"`},
		{"a notification", "POST", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, nil, 202, 0, ""},
		{"an answer", "POST", `{"jsonrpc":"2.0","id":1,"result":{}}`, nil, 202, 0, ""},
		{"GET", "GET", "", nil, 405, -32600, "POST"},
		{"DELETE", "DELETE", "", nil, 405, -32600, "POST"},
		{"PUT", "PUT", call("1", "echo", "hi"), nil, 405, -32600, "POST"},
		{"another Content-Type", "POST", call("1", "echo", "hi"), []string{"Content-Type", "text/plain"}, 415, -32600, "application/json"},
		{"no Content-Type", "POST", call("1", "echo", "hi"), []string{"Content-Type", ""}, 415, -32600, "application/json"},
		{"another Accept", "POST", call("1", "echo", "hi"), []string{"Accept", "text/html"}, 406, -32600, "application/json"},
		{"no JSON", "POST", "{", nil, 400, -32700, "not valid JSON"},
		{"nothing", "POST", "", nil, 400, -32700, "not valid JSON"},
		{"text", "POST", `"hi"`, nil, 400, -32600, "not a JSON-RPC"},
		{"batch", "POST", "[" + call("1", "echo", "hi") + "]", nil, 400, -32600, "batches"},
		{"id of another type", "POST", call("{}", "echo", "hi"), nil, 400, -32600, "string or a number"},
		{"method of another type", "POST", `{"jsonrpc":"2.0","id":1,"method":5}`, nil, 400, -32600, "not a JSON-RPC"},
		{"params of another type", "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, nil, 200, -32600, "form"},
		{"unknown method", "POST", `{"jsonrpc":"2.0","id":1,"method":"nope"}`, nil, 200, -32601, "nope"},
		{"unknown tool", "POST", call("1", "nope", "hi"), nil, 200, -32602, `unknown tool \"nope\"`},
		{"unknown prompt", "POST", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a'b"}}`, nil, 200, -32602, `unknown prompt \"a'b\"`},
		{"unknown resource", "POST", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://y"}}`, nil, 200, -32002,
			`unknown resource \"x://y\"","data":{"uri":"x://y"}`},
		{"unknown revision", "POST", call("1", "echo", "hi"), []string{"Mcp-Protocol-Version", "2001-01-01"}, 400, -32600, "2001-01-01"},
		{"headers that lie", "POST", unknownVersion, append(modernHeaders, "Mcp-Method", "tools/call"), 400, -32020, "Mcp-Method"},
		{"a panic", "POST", panics, nil, 500, -32603, "internal error"},
		{"too long", "POST", long, nil, 413, -32600, `"id":"big"`},
	}
	for _, test := range tests {
		got, err := s.do(t.Context(), test.method, "/mcp", test.body, test.headers...)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var m struct {
			JSONRPC string
			Error   struct{ Code int }
		}
		if err := json.Unmarshal([]byte(got.body), &m); got.body != "" && (err != nil || m.JSONRPC != "2.0") {
			t.Errorf("%s: the body is no JSON-RPC: %q", test.name, got.body)
		}
		if got.StatusCode != test.status || m.Error.Code != test.code || !strings.Contains(got.body, test.want) {
			t.Errorf("%s = %d %q, want %d, error %d, %q", test.name, got.StatusCode, got.body, test.status, test.code, test.want)
		}
		for _, word := range []string{"Go ", "json:", "secret", "goroutine"} {
			if strings.Contains(got.body, word) {
				t.Errorf("%s: the body has %q: %q", test.name, word, got.body)
			}
		}
	}
}

// TestHeaders: from revision 2026-07-28 on the headers say what the message says, or the message is refused.
func TestHeaders(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	tool := mcp.NewToolWithRawSchema("region", "region", json.RawMessage(`{"type":"object","properties":{"at":{"type":"string","x-mcp-header":"Region"}}}`))
	s.mcp.AddTool(tool, nil)
	in := func(args string) string {
		m, _ := modern("1", "tools/call", "region", `"arguments":{`+args+`},`)
		return m
	}
	headers := func(more ...string) []string {
		return append([]string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "region"}, more...)
	}
	legacy := call("1", "echo", "hi")
	for _, test := range []struct {
		name, body string
		headers    []string
		code       int
	}{
		{"all as in the message", in(`"at":"eu"`), headers("Mcp-Param-Region", "eu"), -32602}, // the tool is none of the registry
		{"the argument is left out", in(``), headers(), -32602},
		{"another argument", in(`"at":"eu"`), headers("Mcp-Param-Region", "us"), -32020},
		{"no header for the argument", in(`"at":"eu"`), headers(), -32020},
		{"a header without the argument", in(``), headers("Mcp-Param-Region", "eu"), -32020},
		{"another name", in(`"at":"eu"`), headers("Mcp-Name", "echo", "Mcp-Param-Region", "eu"), -32020},
		{"no name", in(`"at":"eu"`), headers("Mcp-Name", "", "Mcp-Param-Region", "eu"), -32020},
		{"another method", in(`"at":"eu"`), headers("Mcp-Method", "tools/list", "Mcp-Param-Region", "eu"), -32020},
		{"no method", in(`"at":"eu"`), headers("Mcp-Method", ""), -32020},
		{"no version", in(`"at":"eu"`), headers("Mcp-Protocol-Version", ""), -32020},
		{"another version", in(`"at":"eu"`), headers("Mcp-Protocol-Version", "2025-06-18"), -32020},
		{"the version in the header alone", legacy, headers("Mcp-Name", "echo"), -32602},
		{"a stream to resume", in(`"at":"eu"`), headers("Last-Event-ID", "1"), -32020},
		{"an older revision needs none", legacy, nil, 0},
	} {
		got := s.post(test.body, test.headers...)
		var m struct{ Error struct{ Code int } }
		if err := json.Unmarshal([]byte(got.body), &m); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if m.Error.Code != test.code || (got.StatusCode == http.StatusOK) != (test.code == 0) {
			t.Errorf("%s = %d %s, want the error %d", test.name, got.StatusCode, got.body, test.code)
		}
	}
}

// TestErrorsOfResourcesAndPrompts: what is not there has its code, which revision 2026-07-28 has changed.
func TestErrorsOfResourcesAndPrompts(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	for _, test := range []struct {
		method, params, name         string
		legacy, status2026, code2026 int
		want                         string
	}{
		{"resources/read", `"uri":"thing://here"`, "thing://here", 0, 200, 0, `"text":"here"`},
		{"resources/read", `"uri":"thing://nope"`, "thing://nope", -32002, 400, -32602, `"there is no such thing","data":{"uri":"thing://nope"}`},
		{"resources/read", `"uri":"x://nope"`, "x://nope", -32002, 400, -32602, `"unknown resource \"x://nope\"","data":{"uri":"x://nope"}`},
		{"resources/read", `"uri":"thing://away"`, "thing://away", -32603, 200, -32603, "the database is away"},
		{"prompts/get", `"name":"hello"`, "hello", -32602, 400, -32602, "hello whom?"},
	} {
		old := s.post(`{"jsonrpc":"2.0","id":1,"method":"` + test.method + `","params":{` + test.params + `}}`)
		message, headers := modern("1", test.method, "", test.params+",")
		now := s.post(message, append(headers, "Mcp-Name", test.name)...)
		for _, got := range []struct {
			answer
			status, code int
		}{{old, 200, test.legacy}, {now, test.status2026, test.code2026}} {
			var m struct{ Error struct{ Code int } }
			if err := json.Unmarshal([]byte(got.body), &m); err != nil {
				t.Errorf("%s: %v", test.params, err)
			}
			if got.StatusCode != got.status || m.Error.Code != got.code || !strings.Contains(got.body, test.want) {
				t.Errorf("%s = %d %s, want %d, error %d, %s", test.params, got.StatusCode, got.body, got.status, got.code, test.want)
			}
		}
	}
	p := stdio(t, serve.Config{})
	p.send(`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"thing://nope"}}`)
	if got := p.next(); !strings.Contains(got, `"code":-32002`) {
		t.Errorf("over stdio = %s, want -32002", got)
	}
}

func TestNoTasks(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	if got := s.post(initialize); strings.Contains(got.body, "tasks") {
		t.Errorf("initialize offers tasks: %s", got.body)
	}
	got := s.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"},"task":{"ttl":1000}}}`)
	if !strings.Contains(got.body, `"text":"hi"`) || strings.Contains(got.body, "taskId") {
		t.Errorf("a call as a task = %s, want its answer", got.body)
	}
}

func TestCancelIsBound(t *testing.T) {
	const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`
	modernCall, modernHeaders := modern("7", "tools/call", "block", `"arguments":{"text":"m"},`)
	s := startServer(t, serve.Config{}, serve.HTTPConfig{}, protect)
	alice := []string{callerHeader, "alice", "Mcp-Session-Id", "A"}
	for _, test := range []struct {
		name    string
		body    string
		headers []string
		cancels [][]string // that must not reach the call
	}{
		{"another caller, the same session", call("7", "block", "x"), alice, [][]string{{callerHeader, "mallory", "Mcp-Session-Id", "A"}}},
		{"another session, the same caller", call("7", "block", "x"), alice, [][]string{{callerHeader, "alice", "Mcp-Session-Id", "B"}, {callerHeader, "alice"}}},
		{"no session", call("7", "block", "x"), []string{callerHeader, "alice"}, [][]string{{callerHeader, "alice"}, alice, {callerHeader, "mallory"}}},
		{"2026-07-28", modernCall, append(modernHeaders, callerHeader, "alice"), [][]string{{callerHeader, "alice"}, alice, append(modernHeaders, callerHeader, "mallory")}},
	} {
		answer := s.inBackground(t.Context(), test.body, test.headers...)
		receive(t, "the call begins", s.tools.began)
		for _, headers := range test.cancels {
			if got := s.post(cancel, headers...); got.StatusCode != 202 {
				t.Errorf("%s: the notification = %d %s", test.name, got.StatusCode, got.body)
			}
		}
		s.tools.release <- struct{}{}
		if got := receive(t, "the answer", answer); !strings.Contains(got.body, "released") {
			t.Errorf("%s: the call gives %q, want that it was not cancelled", test.name, got.body)
		}
	}
	// What a call or a cancellation mentions does not change where it belongs.
	for _, text := range []string{"x", "io.modelcontextprotocol/protocolVersion"} {
		answer := s.inBackground(t.Context(), call("7", "block", text), alice...)
		receive(t, "the call begins", s.tools.began)
		s.post(strings.Replace(cancel, `{"requestId"`, `{"reason":"`+text+`","requestId"`, 1), alice...)
		receive(t, "the caller's own cancellation", s.tools.ended)
		got := receive(t, "the end of the answer", answer)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" || got.body != "" {
			t.Errorf("a cancelled call = %d %s %q, want a stream without an answer", got.StatusCode, got.Header.Get("Content-Type"), got.body)
		}
	}
}

// TestNotifications: no notification is held against the rules for requests.
func TestNotifications(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	for _, message := range []string{
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"context canceled"}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/nobody/knows","params":{}}`,
	} {
		for _, version := range append(mcp.ValidProtocolVersions, "") {
			if got := s.post(message, "Mcp-Protocol-Version", version); got.StatusCode != 202 || got.body != "" {
				t.Errorf("%s, version %q = %d %q, want 202", message, version, got.StatusCode, got.body)
			}
		}
	}
}

func TestDisconnectCancels(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	modernCall, modernHeaders := modern("7", "tools/call", "block", `"arguments":{"text":"m"},`)
	for _, test := range []struct {
		body    string
		headers []string
	}{{call("1", "block", "l"), nil}, {modernCall, modernHeaders}} {
		ctx, cancel := context.WithCancel(t.Context())
		answer := s.inBackground(ctx, test.body, test.headers...)
		receive(t, "the call begins", s.tools.began)
		cancel()
		receive(t, "the call ends with its client", s.tools.ended)
		receive(t, "the client", answer)
	}
}

func TestNothingIsKept(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	ids := map[string]bool{}
	for range 20 {
		ids[s.post(initialize).Header.Get("Mcp-Session-Id")] = true
	}
	if len(ids) != 20 || ids[""] {
		t.Errorf("20 clients have the session ids %v, want 20", ids)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range 2000 {
		s.post(initialize)
	}
	// The library keeps 10 kB for each session.
	if after := heap(); after > before+2000*1000 {
		t.Errorf("2000 clients that have gone hold %d bytes", after-before)
	}
	// Any id will do, so that any replica serves any client.
	if got := s.post(call("1", "echo", "hi"), "Mcp-Session-Id", "of-another-replica"); got.StatusCode != 200 {
		t.Errorf("with the session of another replica = %d %s", got.StatusCode, got.body)
	}
}

func TestProgress(t *testing.T) {
	tr := serve.Config{}
	s := startServer(t, tr, serve.HTTPConfig{})
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":9007199254740993},"name":"block","arguments":{"text":"p"}}}`
	st := s.open("/mcp", body)
	if got := st.next(); !strings.Contains(got, `"progressToken":9007199254740993`) || !strings.Contains(got, `"running for 1 s"`) {
		t.Errorf("the first event = %s, want progress", got)
	}
	s.tools.release <- struct{}{}
	var last string
	for event := st.next(); event != ""; event = st.next() {
		last = event
	}
	if !strings.Contains(last, "released p") {
		t.Errorf("the last event = %s, want the answer", last)
	}
	for name, test := range map[string]struct {
		body    string
		headers []string
	}{
		"not asked for":              {call("1", "block", "p"), nil},
		"no streams read":            {body, []string{"Accept", "application/json"}},
		"the answer is there sooner": {strings.Replace(body, "block", "echo", 1), nil},
	} {
		answer := s.inBackground(t.Context(), test.body, test.headers...)
		if !strings.Contains(test.body, "echo") {
			time.AfterFunc(1200*time.Millisecond, func() { s.tools.release <- struct{}{} })
		}
		if got := receive(t, "the answer", answer); got.Header.Get("Content-Type") != "application/json" || strings.Contains(got.body, "progress") {
			t.Errorf("%s: %s %s, want only the answer", name, got.Header.Get("Content-Type"), got.body)
		}
	}
}

func TestLargeAnswers(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	text := strings.Repeat(`é"<\`, 5000)
	const arguments = `"arguments":{"times":5000}`
	message, headers := modern("1", "tools/call", "big", arguments+",")
	legacy := func(meta string) answer {
		return s.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` + meta + `"name":"big",` + arguments + `}}`)
	}
	for name, got := range map[string]answer{
		"JSON": legacy(""), "progress": legacy(`"_meta":{"progressToken":1},`), "2026-07-28": s.post(message, headers...),
	} {
		body := strings.TrimPrefix(got.body, "event: message\ndata: ")
		var m struct {
			Result struct {
				Content           []struct{ Text string }
				StructuredContent struct{ Text string }
			}
		}
		var inText struct{ Text string }
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatalf("%s: %v: %.200s", name, err, body)
		}
		if err := json.Unmarshal([]byte(m.Result.Content[0].Text), &inText); err != nil || inText.Text != text || m.Result.StructuredContent.Text != text {
			t.Errorf("%s: text of %d bytes %v, structured content of %d, want %d", name, len(inText.Text), err, len(m.Result.StructuredContent.Text), len(text))
		}
	}
}

func TestClients(t *testing.T) {
	for _, version := range mcp.ValidProtocolVersions {
		for _, kind := range []string{serve.StreamableHTTP, serve.SSE} {
			if kind == serve.SSE && mcp.IsModernProtocol(version) {
				continue // it has no such transport
			}
			s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: kind})
			c, err := newClient(s, kind, version)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = c.Initialize(t.Context(), mcp.InitializeRequest{Params: mcp.InitializeParams{ProtocolVersion: version, ClientInfo: mcp.Implementation{Name: "t", Version: "1"}}})
			if err != nil {
				t.Fatalf("%s %s: initialize: %v", kind, version, err)
			}
			list, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
			if err != nil || len(list.Tools) != 4 {
				t.Errorf("%s %s: tools/list = %v, %v", kind, version, list, err)
			}
			res, err := c.CallTool(t.Context(), mcp.CallToolRequest{Params: mcp.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "hi"}}})
			if err != nil || fmt.Sprint(res.Content) == "" {
				t.Errorf("%s %s: tools/call = %v, %v", kind, version, res, err)
			}
			if err := c.Close(); err != nil {
				t.Errorf("%s %s: closing: %v", kind, version, err)
			}
		}
	}
}

func newClient(s *site, kind, version string) (*client.Client, error) {
	if kind == serve.SSE {
		return client.NewSSEMCPClient(s.url + "/sse")
	}
	way, err := clienttransport.NewStreamableHTTP(s.url + "/mcp")
	if err != nil {
		return nil, err
	}
	return client.NewClient(way, client.WithProtocolVersion(version)), nil
}

func TestListenersAreBounded(t *testing.T) {
	// No stream counts as a request in flight of its caller.
	limiter, err := auth.NewLimiter(auth.Limits{PerSecond: 1000, Concurrent: 2})
	if err != nil {
		t.Fatal(err)
	}
	ts := newTools()
	srv := ts.server(t, serve.Config{})
	srv.Limit(limiter)
	s := ts.listen(t, srv, serve.HTTPConfig{})
	body, headers := modern(`"sub"`, "subscriptions/listen", "", `"notifications":{"toolsListChanged":true},`)
	var last *stream
	for range serve.MaxStreams {
		last = s.open("/mcp", body, headers...)
		last.next()
	}
	got := s.post(body, headers...)
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("one stream more = %d %s, want 503", got.StatusCode, got.body)
	}
	if got := s.post(call("1", "echo", "hi")); got.StatusCode != http.StatusOK {
		t.Errorf("a call besides = %d, want 200", got.StatusCode)
	}
	last.cancel()
	waitFor(t, "another takes its place", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		a, err := s.do(ctx, http.MethodPost, "/mcp", body, headers...)
		return err != nil || a.StatusCode != http.StatusServiceUnavailable
	})
}

func TestListen(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{ShutdownTimeout: time.Hour})
	body, headers := modern(`"sub"`, "subscriptions/listen", "", `"notifications":{"toolsListChanged":true},`)
	st := s.open("/mcp", body, headers...)
	if got := st.next(); !strings.Contains(got, "subscriptions/acknowledged") {
		t.Fatalf("the first event = %s, want the acknowledgement", got)
	}
	s.mcp.DeleteTools("panic")
	if got := st.next(); !strings.Contains(got, "tools/list_changed") || !strings.Contains(got, `"sub"`) {
		t.Errorf("after a change the event is %s", got)
	}
	// The end of the server ends the stream, and soon.
	s.stop()
	if got := st.next(); got != "" {
		t.Errorf("at the end the stream has %s", got)
	}
	if err := receive(t, "the server ends", s.ended); err != nil {
		t.Errorf("Serve = %v", err)
	}
	s.ended <- nil
}

func TestEndsInOrder(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	answer := s.inBackground(t.Context(), call("1", "block", "late"))
	receive(t, "the call begins", s.tools.began)
	ready := func() int {
		a, err := s.do(t.Context(), http.MethodGet, "/readyz", "")
		if err != nil {
			return 0
		}
		return a.StatusCode
	}
	if got := ready(); got != 200 {
		t.Errorf("/readyz = %d, want 200", got)
	}
	s.stop()
	for got := ready(); got != 503; got = ready() {
		if got != 200 {
			t.Fatalf("at the end /readyz = %d, want 503 while calls are in flight", got)
		}
	}
	s.tools.release <- struct{}{}
	if got := receive(t, "the answer", answer); !strings.Contains(got.body, "released late") {
		t.Errorf("a call in flight at the end gives %q, want its answer", got.body)
	}
	if err := receive(t, "the server ends", s.ended); err != nil {
		t.Errorf("Serve = %v", err)
	}
	s.ended <- nil
}

func TestEndsInTime(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{ShutdownTimeout: 100 * time.Millisecond})
	answer := s.inBackground(t.Context(), call("1", "block", "endless"))
	receive(t, "the call begins", s.tools.began)
	s.stop()
	receive(t, "the call is cancelled", s.tools.ended)
	receive(t, "the client", answer)
	if err := receive(t, "the server ends", s.ended); err != nil {
		t.Errorf("Serve = %v", err)
	}
	s.ended <- nil
}
