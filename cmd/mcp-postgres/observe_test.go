package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/test/pgtest"
)

func TestShowsMetrics(t *testing.T) {
	for _, test := range []struct {
		transport, metrics, host string
		want                     bool
	}{
		{"streamable-http", "auto", "127.0.0.1", true},
		{"sse", "auto", "localhost", true},
		{"streamable-http", "auto", "0.0.0.0", false},
		{"streamable-http", "on", "0.0.0.0", true},
		{"streamable-http", "off", "127.0.0.1", false},
		{"stdio", "on", "127.0.0.1", false},
	} {
		c := &config.Config{Transport: test.transport, HTTP: config.HTTP{Host: test.host, Metrics: test.metrics}}
		if got := showsMetrics(c); got != test.want {
			t.Errorf("showsMetrics(%+v) = %v", test, got)
		}
	}
}

func TestServeMetrics(t *testing.T) {
	s := serveHTTP(t, []string{"DATABASE_URL=" + pgtest.Demo(t), "POSTGRES_READONLY=true"}, "--transport", "streamable-http")
	for _, sql := range []string{"SELECT 1", "SELECT nope", "DROP TABLE orders"} {
		s.send(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"`+sql+`"}}}`)
	}
	s.send(t.Context(), "/mcp", "{}", "Origin", "https://evil.example.com")
	s.send(t.Context(), "/mcp", strings.Repeat(" ", 4<<20+1))
	if req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", nil); err == nil {
		req.Host = "evil.example.com"
		if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("another name = %v, %v, want 403", res, err)
		}
	}
	text := s.metrics()
	for _, want := range []string{
		`mcp_postgres_calls_total{outcome="ok",tool="query"} 1`, `mcp_postgres_calls_total{outcome="sql_error",tool="query"} 1`,
		`mcp_postgres_calls_total{outcome="read_only",tool="query"} 1`, `mcp_postgres_refusals_total{reason="read_only"} 1`,
		`mcp_postgres_refusals_total{reason="origin"} 1`, `mcp_postgres_refusals_total{reason="host"} 1`, `mcp_postgres_refusals_total{reason="too_large"} 1`,
		`mcp_postgres_pool_connections_max{pool="shared"} 10`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", want, text)
		}
	}
}

func TestServeTraces(t *testing.T) {
	var mu sync.Mutex
	var exported []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && r.URL.Path == "/v1/traces" {
			exported = append(exported, b...)
		}
	}))
	defer receiver.Close()
	env := []string{"DATABASE_URL=" + pgtest.Demo(t), "OTEL_EXPORTER_OTLP_ENDPOINT=" + receiver.URL}
	s, sse := serveHTTP(t, env, "--transport", "streamable-http", "--read-only"), serveHTTP(t, env, "--transport", "sse", "--read-only")
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	const parent = "00-" + trace + "-00f067aa0ba902b7-01"
	const sql = `"name":"query","arguments":{"sql":"SELECT current_setting('application_name') AS a"}`
	for name, test := range map[string]struct{ meta, header, want string }{
		"header": {"", parent, "mcp-postgres trace=" + trace},
		"_meta":  {`,"_meta":{"traceparent":"` + parent + `"}`, "", "mcp-postgres trace=" + trace},
		"none":   {"", "", "mcp-postgres trace="},
		"off":    {"", "00-" + trace + "-00f067aa0ba902b7-00", "| mcp-postgres |"},
	} {
		res, err := s.post(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{`+sql+test.meta+`}}`, "Traceparent", test.header)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(string(b), test.want) {
			t.Errorf("%s: the application's name is in %s, %v; want %q", name, b, err, test.want)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	exports := func(s *site) string {
		s.signal(syscall.SIGTERM)
		<-s.ended
		mu.Lock()
		defer mu.Unlock()
		return string(exported)
	}
	overHTTP := exports(s)
	const other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	body := `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{` + sql + `,"_meta":{"traceparent":"00-` + other + `-00f067aa0ba902b7-01"}}}`
	events := make(chan string, 2)
	var wait sync.WaitGroup
	wait.Go(func() { sse.stream(t.Context(), events, body) })
	<-events
	if got := <-events; !strings.Contains(got, "mcp-postgres trace="+other) {
		t.Errorf("over SSE the application's name is in %s; want the trace of the client", got)
	}
	overSSE := strings.TrimPrefix(exports(sse), overHTTP)
	wait.Wait()
	for trace, spans := range map[string]string{trace: overHTTP, other: overSSE} {
		id, err := hex.DecodeString(trace)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"tools/call query", "guard", "query", string(id), "mcp-postgres"} {
			if !strings.Contains(spans, want) {
				t.Errorf("%d bytes are exported: %q is not among them", len(spans), want)
			}
		}
	}
}

func (s *site) metrics() string {
	s.t.Helper()
	res, err := http.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET /metrics = %d, %v, want 200", res.StatusCode, err)
	}
	return string(b)
}
