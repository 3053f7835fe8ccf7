package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/test/oidctest"
	"mcp-postgres/internal/test/pgtest"
)

// site is the program, serving HTTP.
type site struct {
	t      *testing.T
	url    string
	ended  chan error
	signal func(syscall.Signal)
	log    lockedText // what it wrote to stderr
}

// lockedText is written and read at the same time.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) WriteString(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(text)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var listening = regexp.MustCompile(`listening"?[ ,]"?address"?[=:]"?([^\s",]+)`)

func serveHTTP(t *testing.T, env []string, args ...string) *site {
	t.Helper()
	cmd := command(t, env, append([]string{"--port", "0"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ended: make(chan error, 1)}
	var wait sync.WaitGroup
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		wait.Wait()
	})
	s.signal = func(sig syscall.Signal) { _ = cmd.Process.Signal(sig) }
	address := make(chan string, 1)
	wait.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.log.WriteString(lines.Text() + "\n")
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		s.ended <- cmd.Wait()
	})
	select {
	case a := <-address:
		s.url = "http://" + a
	case err := <-s.ended:
		t.Fatalf("the server does not start: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not listen")
	}
	return s
}

// post sends a message and gives the response; headers are name, value, name, value.
func (s *site) post(ctx context.Context, path, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

// send posts a message and drops what comes back.
func (s *site) send(ctx context.Context, path, body string, headers ...string) {
	res, err := s.post(ctx, path, body, headers...)
	if err != nil {
		return // the test has cancelled it
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

func TestServeHTTP(t *testing.T) {
	s := serveHTTP(t, []string{"DATABASE_URL=" + pgtest.Demo(t), "MCP_TRANSPORT=streamable-http"})
	res, err := s.post(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT count(*) FROM orders"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var m message
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil || !strings.Contains(m.Result.Content[0].Text, "| 2000 |") {
		t.Errorf("query = %+v, %v, want 2000", m.Result, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for uri, code := range map[string]string{"schema://nope": `"code":-32002`, "table://shop/nope": `"code":-32002`, "tool://nope": `"code":-32002`, "tool://list_tables": `"contents"`} {
		res, err := s.post(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"`+uri+`"}}`)
		if got := oidctest.Read(t, res, err); !strings.Contains(got, code) {
			t.Errorf("reading %s = %s, want %s", uri, got, code)
		}
	}
	if res, err := http.Get(s.url + "/readyz"); err != nil || res.StatusCode != 200 {
		t.Errorf("/readyz = %v, %v, want 200", res, err)
	}
	none := serveHTTP(t, nil, "--transport", "sse")
	res, err = http.Get(none.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 503 || !strings.Contains(string(b), `"database":"none is connected"`) {
		t.Errorf("without a database /readyz = %d %s %v, want 503", res.StatusCode, b, err)
	}
	away := serveHTTP(t, []string{"MCP_AUTH_ISSUER=http://127.0.0.1:1", "MCP_AUTH_AUDIENCE=" + tokenAudience, "MCP_TRANSPORT=streamable-http",
		"MCP_PERMISSIONS_FILE=../../permissions.example.yaml"})
	res, err = http.Get(away.url + "/readyz")
	if got := oidctest.Read(t, res, err); !strings.Contains(got, `"keys":"those of the issuer are not loaded`) || strings.Contains(got, "127.0.0.1") {
		t.Errorf("without keys /readyz = %s, want that they are not loaded, and no address", got)
	}
}

func TestInspectorHTTP(t *testing.T) {
	npx, err := exec.LookPath("npx")
	if err != nil {
		t.Skip("no Node.js here: the Inspector can't run")
	}
	env := []string{"DATABASE_URL=" + pgtest.Demo(t)}
	streamable, sse := serveHTTP(t, env, "--transport", "streamable-http"), serveHTTP(t, env, "--transport", "sse")
	for _, way := range [][]string{
		{streamable.url + "/mcp", "--transport", "http", "--protocol-era", "legacy"},
		{streamable.url + "/mcp", "--transport", "http", "--protocol-era", "modern"},
		{sse.url + "/sse", "--transport", "sse"},
	} {
		got := inspect(t, npx, append(way, "--method", "tools/call", "--tool-name", "query", "--tool-arg", "sql=SELECT count(*) FROM orders")...)
		if !strings.Contains(got, "| 2000 |") {
			t.Errorf("the Inspector with %v: %s", way, got)
		}
	}
}

// sleep is a call that takes long, and meta what revision 2026-07-28 adds.
const (
	sleep = `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{%s"name":"query","arguments":{"sql":"SELECT pg_sleep(600)"}}}`
	meta  = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},` +
		`"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}},`
	cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`
)

func TestServeHTTPEndsStatements(t *testing.T) {
	url := pgtest.URL(t)
	const running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()"
	env := []string{"DATABASE_URL=" + url}
	streamable := serveHTTP(t, env, "--transport", "streamable-http")
	sse := serveHTTP(t, env, "--transport", "sse")
	legacy, modern := fmt.Sprintf(sleep, ""), fmt.Sprintf(sleep, meta)
	modernHeaders := []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "query"}
	for _, test := range []struct {
		name  string
		begin func(context.Context)
		end   func(cancel context.CancelFunc)
	}{
		{"streamable HTTP, disconnected", func(ctx context.Context) { streamable.send(ctx, "/mcp", legacy) }, func(cancel context.CancelFunc) { cancel() }},
		{"streamable HTTP, 2026-07-28, disconnected", func(ctx context.Context) { streamable.send(ctx, "/mcp", modern, modernHeaders...) },
			func(cancel context.CancelFunc) { cancel() }},
		{"streamable HTTP, cancelled", func(ctx context.Context) { streamable.send(ctx, "/mcp", legacy, "Mcp-Session-Id", "mine") },
			func(context.CancelFunc) { streamable.send(t.Context(), "/mcp", cancelled, "Mcp-Session-Id", "mine") }},
	} {
		endsStatement(t, test.name, url, running, test.begin, test.end)
	}
	for name, end := range map[string]func(string, context.CancelFunc){
		"SSE, disconnected": func(_ string, cancel context.CancelFunc) { cancel() },
		"SSE, cancelled":    func(path string, _ context.CancelFunc) { sse.send(t.Context(), path, cancelled) },
	} {
		path := make(chan string, 1)
		begin := func(ctx context.Context) { sse.stream(ctx, path, legacy) }
		endsStatement(t, name, url, running, begin, func(cancel context.CancelFunc) { end(<-path, cancel) })
	}
	for _, s := range []*site{streamable, sse} {
		s.signal(syscall.SIGTERM)
		if err := <-s.ended; err != nil {
			t.Errorf("after SIGTERM the server ends with %v", err)
		}
	}
}

// endsStatement begins a call, waits until its statement runs, and wants that end ends it.
func endsStatement(t *testing.T, name, url, running string, begin func(context.Context), end func(context.CancelFunc)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { begin(ctx) })
	waitFor(t, name+": the statement runs", func() bool { return pgtest.Value(t, url, running) == "1" })
	start := time.Now()
	end(cancel)
	waitFor(t, name+": the statement has ended", func() bool { return pgtest.Value(t, url, running) == "0" })
	t.Logf("%s: %v", name, time.Since(start))
	cancel()
	wait.Wait()
}

// stream opens a stream, posts a message to its session, and reads until ctx ends. events gets where to post, and what comes
// then, as far as it has room.
func (s *site) stream(ctx context.Context, events chan<- string, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/sse", nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		select {
		case events <- data:
		default:
		}
		if strings.HasPrefix(data, "/message") {
			s.send(ctx, data, body)
		}
	}
}
