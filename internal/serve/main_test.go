package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/serve"
)

// tools is a server whose tools tests hold in their hands.
type tools struct {
	began   chan string   // the argument of each call of block, when it begins
	ended   chan string   // when its context has ended
	release chan struct{} // ends one call of block
}

func newTools() *tools {
	return &tools{began: make(chan string, 100), ended: make(chan string, 100), release: make(chan struct{})}
}

func (ts *tools) server(t *serve.Transport) *server.MCPServer {
	s := server.NewMCPServer("test", "1", append(t.Options(), server.WithToolCapabilities(true), server.WithPromptCapabilities(false), server.WithResourceCapabilities(false, false))...)
	add := func(name string, h server.ToolHandlerFunc) {
		s.AddTool(mcp.NewToolWithRawSchema(name, name, json.RawMessage(`{"type":"object"}`)), h)
	}
	add("echo", echo)
	add("big", func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		text := strings.Repeat(`é"<\`, arguments(req).Times)
		body, err := json.Marshal(map[string]string{"text": text})
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(text)}, StructuredContent: json.RawMessage(body)}, err
	})
	add("panic", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		panic("postgres://u:secret@h/db")
	})
	add("block", func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		name := arguments(req).Text
		ts.began <- name
		select {
		case <-ctx.Done():
			ts.ended <- name
			return mcp.NewToolResultError("cancelled"), nil
		case <-ts.release:
			return mcp.NewToolResultText("released " + name), nil
		}
	})
	s.AddResourceTemplate(mcp.NewResourceTemplate("thing://{name}", "thing"), thing)
	s.AddPrompt(mcp.NewPrompt("hello"), func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return nil, errors.New("hello whom?")
	})
	return s
}

// gone is an error for a resource that is not there.
type gone string

func (g gone) Error() string        { return string(g) }
func (g gone) Is(target error) bool { return target == server.ErrResourceNotFound }

func thing(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	switch req.Params.URI {
	case "thing://here":
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, Text: "here"}}, nil
	case "thing://away":
		return nil, errors.New("the database is away")
	}
	return nil, gone("there is no such thing")
}

// arguments are those of the tools above; without any they are empty.
func arguments(req mcp.CallToolRequest) (a struct {
	Text  string
	Times int
}) {
	_ = req.BindArguments(&a) // a call without arguments
	return a
}

func echo(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return mcp.NewToolResultText(arguments(req).Text), nil
}

func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain: %s", what)
		panic("unreachable")
	}
}

// callerHeader names the caller of a test's request.
const callerHeader = "Test-Caller"

type callerKey struct{}

// protect takes callers at their word and refuses those without a name.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get(callerHeader)
		if name == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, name)))
	})
}

func caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// site is a server on a real port.
type site struct {
	t     *testing.T
	tools *tools
	mcp   *server.MCPServer
	url   string
	stop  context.CancelFunc
	ended chan error
}

func startServer(t *testing.T, c serve.Config, h serve.HTTPConfig) *site {
	t.Helper()
	return serveOn(t, newTransport(c), h)
}

func newTransport(c serve.Config) *serve.Transport {
	c.Logger = slog.New(slog.DiscardHandler)
	c.UnknownTool = func(_ context.Context, name string) string { return "no tool " + name }
	return serve.New(c)
}

// serveHurried is serve with signs of life as often, and sessions that end when they are silent for so long.
func serveHurried(t *testing.T, h serve.HTTPConfig, heartbeat, idle time.Duration) *site {
	t.Helper()
	tr := newTransport(serve.Config{})
	tr.Hurry(time.Second, heartbeat, idle)
	return serveOn(t, tr, h)
}

func serveOn(t *testing.T, tr *serve.Transport, h serve.HTTPConfig) *site {
	t.Helper()
	s := &site{t: t, tools: newTools(), ended: make(chan error, 1)}
	s.mcp = s.tools.server(tr)
	if h.Kind == "" {
		h.Kind = serve.StreamableHTTP
	}
	if h.Host == "" {
		h.Host = "127.0.0.1"
	}
	listening, err := tr.NewHTTP(s.mcp, h)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + listening.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.ended <- listening.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		waitFor(t, "the server ends", func() bool {
			_, _ = s.do(context.Background(), http.MethodGet, "/readyz", "") // who has been asking is to know
			http.DefaultClient.CloseIdleConnections()
			return len(s.ended) > 0
		})
	})
	return s
}

// answer is what came back over HTTP.
type answer struct {
	*http.Response
	body string
}

// do sends a request; headers are name, value, name, value.
func (s *site) do(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Del(headers[i]); headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b)}, err
}

func (s *site) post(body string, headers ...string) answer {
	s.t.Helper()
	a, err := s.do(s.t.Context(), http.MethodPost, "/mcp", body, headers...)
	if err != nil {
		s.t.Fatalf("posting %.100s: %v", body, err)
	}
	return a
}

// inBackground posts and gives the answer later.
func (s *site) inBackground(ctx context.Context, body string, headers ...string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		a, err := s.do(ctx, http.MethodPost, "/mcp", body, headers...)
		if err != nil {
			a.body = err.Error()
		}
		c <- a
	}()
	return c
}

func call(id, tool, text string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"text":"` + text + `"}}}`
}

// modern is a message of revision 2026-07-28, and its headers.
func modern(id, method, name, rest string) (string, []string) {
	headers := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if name != "" {
		headers = append(headers, "Mcp-Name", name)
		rest = `"name":"` + name + `",` + rest
	}
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":{` + rest +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},` +
		`"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`, headers
}

const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// stream is what comes over an open response.
type stream struct {
	t      *testing.T
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (s *site) open(path string, body string, headers ...string) *stream {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	return &stream{s.t, res, lines, cancel}
}

// next is the data of the next event; empty at the end of the stream.
func (st *stream) next() string {
	for st.lines.Scan() {
		if data, ok := strings.CutPrefix(st.lines.Text(), "data: "); ok {
			return data
		}
	}
	return ""
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
