package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/serve"
	"mcp-postgres/registry"
)

// tools are tool files on a database that tests hold in their hands.
type tools struct {
	began   chan string   // the argument of each call of block, when it begins
	ended   chan string   // when its context has ended
	release chan struct{} // ends one call of block

	down  string       // why the database does not answer; empty where it does
	asked atomic.Int32 // how often that was asked
}

func newTools() *tools {
	return &tools{began: make(chan string, 100), ended: make(chan string, 100), release: make(chan struct{})}
}

const header = "/*---\ndescription: For tests.\ntrust: owner\nresult: object\nparams:\n  - {name: text, type: string}\n  - {name: times, type: integer}\n---*/\n"

// registry has the tools echo, big, block and panic.
func (ts *tools) registry(t testing.TB) *registry.Databases {
	t.Helper()
	return ts.with(t, ts.files("echo", "big", "block", "panic"), registry.Config{Without: registry.BuiltIn()})
}

// files are tool files of those names; without names, of all that the database knows.
func (ts *tools) files(names ...string) fs.FS {
	if names == nil {
		names = []string{"echo", "big", "block", "panic", "text", "error", "none", "down", "unknown", "spoken", "lines"}
	}
	files := fstest.MapFS{}
	for _, name := range names {
		files[name+".sql"] = &fstest.MapFile{Data: []byte(header + "SELECT '" + name + "' AS tool, @text AS text, @times AS times")}
	}
	return files
}

// with is a registry with the tools of files.
func (ts *tools) with(t testing.TB, files fs.FS, c registry.Config) *registry.Databases {
	t.Helper()
	cat, err := catalog.Load(catalog.Source{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	prompts := []*catalog.Prompt{{Name: "hello", Arguments: []catalog.Param{{Name: "whom", Description: "hello whom?", Required: true}}}}
	c.DB, c.Logger = ts, slog.New(slog.DiscardHandler)
	r, err := registry.Build(c, registry.Set{Tools: cat.Tools, Prompts: prompts})
	if err != nil {
		t.Fatal(err)
	}
	return registry.NewDatabases(&registry.Served{Registry: r})
}

var textType = &postgres.Type{OID: 25, Name: "text"}

// Run implements registry.Database.
func (ts *tools) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if c.SQL == "SELECT 1" {
		if ts.asked.Add(1); ts.down != "" {
			return postgres.Outcome{}, &postgres.Unavailable{Reason: ts.down}
		}
	}
	_, name, _ := strings.Cut(c.SQL, "'")
	name, _, _ = strings.Cut(name, "'")
	var text []byte
	if len(c.Args) > 0 {
		text = c.Args[0]
	}
	switch name {
	case "panic":
		panic("postgres://u:secret@h/db")
	case "big":
		times, err := strconv.Atoi(string(c.Args[1]))
		if err != nil {
			return postgres.Outcome{}, err
		}
		text = bytes.Repeat([]byte(`é"<\`), times)
	case "block":
		ts.began <- string(text)
		select {
		case <-ctx.Done():
			ts.ended <- string(text)
			return postgres.Outcome{}, context.Cause(ctx)
		case <-ts.release:
			text = append([]byte("released "), text...)
		}
	}
	column, out := postgres.Column{Name: "text", Type: textType}, postgres.Outcome{Command: "SELECT", Affected: 1, HasRows: true, Rows: 1}
	switch name {
	case "error":
		return postgres.Outcome{}, &postgres.Error{Code: "42703", Message: `column "<a>" does not exist`, Hint: "look again", Position: 3}
	case "none":
		return postgres.Outcome{}, postgres.ErrNoDatabase
	case "down":
		return postgres.Outcome{}, &postgres.Unavailable{Reason: "it is <away>"}
	case "unknown":
		return postgres.Outcome{}, errors.New("postgres://u:secret@h/db")
	case "spoken":
		out.Notices = []string{"NOTICE: <&>\u2028"}
	case "lines":
		column.Type, text = &postgres.Type{OID: 114, Kind: postgres.JSON, Name: "json"}, []byte("{\n\"a\":\r1}")
	}
	sink.Columns([]postgres.Column{column})
	sink.Row([][]byte{text})
	if c.Answer != nil {
		return out, c.Answer(out)
	}
	return out, nil
}

// Stuck implements registry.Database.
func (*tools) Stuck() []postgres.Stuck { return nil }

// server serves the tools, and resources and prompts beside them.
func (ts *tools) server(t testing.TB, c serve.Config) *serve.Server {
	t.Helper()
	if c.Databases == nil {
		c.Databases = ts.registry(t)
	}
	c.Version, c.Logger = "1", slog.New(slog.DiscardHandler)
	s := serve.New(c)
	s.MCP().AddResourceTemplate(mcp.NewResourceTemplate("thing://{name}", "thing"), thing)
	return s
}

// panics is a request that makes the program panic.
const panics = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"thing://panic"}}`

func thing(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	switch req.Params.URI {
	case "thing://here":
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, Text: "here"}}, nil
	case "thing://panic":
		panic("postgres://u:secret@h/db")
	case "thing://away":
		return nil, errors.New("the database is away")
	}
	return nil, registry.Missing("there is no such thing")
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

// protect takes callers at their word and refuses those without a name. A name that is a duration is how long they are let in.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get(callerHeader)
		if name == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(guard.WithCaller(r.Context(), called(name))))
	})
}

func called(name string) *guard.Caller {
	c := &guard.Caller{Sub: name, Role: &guard.Role{Name: "all", AllTools: true}}
	if d, err := time.ParseDuration(name); err == nil {
		c.Until = time.Now().Add(d)
	}
	return c
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

// startServer serves the tools; protect, if there is one, lets callers in.
func startServer(t *testing.T, c serve.Config, h serve.HTTPConfig, protect ...func(http.Handler) http.Handler) *site {
	t.Helper()
	ts := newTools()
	return ts.listen(t, ts.server(t, c), h, protect...)
}

// serveHurried is startServer with signs of life as often, and sessions that end when they are silent for so long.
func serveHurried(t *testing.T, h serve.HTTPConfig, heartbeat, idle time.Duration) *site {
	t.Helper()
	ts := newTools()
	srv := ts.server(t, serve.Config{})
	srv.Hurry(time.Second, heartbeat, idle)
	return ts.listen(t, srv, h)
}

func (ts *tools) listen(t *testing.T, srv *serve.Server, h serve.HTTPConfig, protect ...func(http.Handler) http.Handler) *site {
	t.Helper()
	s := &site{t: t, tools: ts, mcp: srv.MCP(), ended: make(chan error, 1)}
	if h.Kind == "" {
		h.Kind = serve.StreamableHTTP
	}
	if h.Host == "" {
		h.Host = "127.0.0.1"
	}
	listening, err := srv.NewHTTP(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range protect {
		listening.Protect(p)
	}
	s.url = "http://" + listening.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.ended <- listening.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		waitFor(t, "the server ends", func() bool {
			_, _ = s.do(context.Background(), http.MethodGet, "/readyz", "") // a balancer that has been asking is to know
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

// numbers are what /metrics shows.
func numbers(o observe.Observer) string {
	w := httptest.NewRecorder()
	o.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
