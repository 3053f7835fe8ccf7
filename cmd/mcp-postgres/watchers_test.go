package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/pgtest"
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
	text := s.metrics()
	for _, want := range []string{
		`mcp_postgres_calls_total{outcome="ok",tool="query"} 1`, `mcp_postgres_calls_total{outcome="sql_error",tool="query"} 1`,
		`mcp_postgres_calls_total{outcome="read_only",tool="query"} 1`, `mcp_postgres_refusals_total{reason="read_only"} 1`,
		`mcp_postgres_pool_connections_max{pool="shared"} 10`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", want, text)
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
