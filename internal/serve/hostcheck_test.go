package serve_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"mcp-postgres/internal/serve"
)

func TestHostsAndOrigins(t *testing.T) {
	everywhere := serve.HTTPConfig{Host: "0.0.0.0", InsecureNoAuth: true}
	listed := serve.HTTPConfig{Host: "0.0.0.0", InsecureNoAuth: true, AllowedHosts: []string{"db.example.com", "other.example.com:8443"},
		AllowedOrigins: []string{"https://App.example.com/"}}
	tests := []struct {
		name    string
		c       serve.HTTPConfig
		headers []string
		status  int
	}{
		{"loopback, its address", serve.HTTPConfig{}, nil, 200},
		{"loopback, localhost", serve.HTTPConfig{}, []string{"Host", "localhost:8000"}, 200},
		{"loopback, IPv6", serve.HTTPConfig{}, []string{"Host", "[::1]:8000"}, 200},
		{"loopback, another name", serve.HTTPConfig{}, []string{"Host", "evil.example.com"}, 403},
		{"loopback, a name that looks like it", serve.HTTPConfig{}, []string{"Host", "localhost.evil.example.com"}, 403},
		{"loopback, another address", serve.HTTPConfig{}, []string{"Host", "10.0.0.1"}, 403},
		{"loopback, a page of this machine", serve.HTTPConfig{}, []string{"Origin", "http://localhost:3000"}, 200},
		{"loopback, another page", serve.HTTPConfig{}, []string{"Origin", "http://evil.example.com"}, 403},
		{"loopback, a page that looks like it", serve.HTTPConfig{}, []string{"Origin", "http://localhost.evil.example.com"}, 403},
		{"loopback, a page without origin", serve.HTTPConfig{}, []string{"Origin", "null"}, 403},
		{"all addresses, an address", everywhere, []string{"Host", "10.0.0.1:8000"}, 200},
		{"all addresses, a name", everywhere, []string{"Host", "db.example.com"}, 403},
		{"all addresses, a page", everywhere, []string{"Origin", "http://localhost:3000"}, 403},
		{"listed name", listed, []string{"Host", "DB.example.com:8443"}, 200},
		{"listed name and port", listed, []string{"Host", "other.example.com:8443"}, 200},
		{"listed name, another port", listed, []string{"Host", "other.example.com"}, 403},
		{"listed page", listed, []string{"Origin", "https://app.example.com"}, 200},
		{"listed page by http", listed, []string{"Origin", "http://app.example.com"}, 403},
		{"any name", serve.HTTPConfig{AllowedHosts: []string{"*"}}, []string{"Host", "whatever"}, 200},
	}
	for _, test := range tests {
		s := startServer(t, serve.Config{}, test.c)
		s.url = strings.Replace(s.url, "[::]", "127.0.0.1", 1)
		got := s.post(call("1", "echo", "hi"), test.headers...)
		if got.StatusCode != test.status || test.status == 403 && !strings.Contains(got.body, "--allowed-") {
			t.Errorf("%s = %d %s, want %d", test.name, got.StatusCode, got.body, test.status)
		}
	}
}

func TestCORS(t *testing.T) {
	const app = "https://app.example.com"
	s := startServer(t, serve.Config{}, serve.HTTPConfig{AllowedOrigins: []string{app}}, protect)
	ask := func(origin string) answer {
		t.Helper()
		a, err := s.do(t.Context(), http.MethodOptions, "/mcp", "", "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,mcp-param-region,x-evil")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	got := ask(app)
	allowed := strings.Split(got.Header.Get("Access-Control-Allow-Headers"), ", ")
	for _, h := range []string{"authorization", "content-type", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id", "mcp-param-region"} {
		if !slices.Contains(allowed, h) {
			t.Errorf("the header %s is not allowed: %v", h, allowed)
		}
	}
	if got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Origin") != app || slices.Contains(allowed, "x-evil") {
		t.Errorf("preflight = %d, %v", got.StatusCode, got.Header)
	}
	if got := ask("https://evil.example.com"); got.StatusCode != 403 || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another page = %d, %v", got.StatusCode, got.Header)
	}
	if got := ask("http://localhost:3000"); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of a page that is let in but not listed = %v", got.Header)
	}
	for _, who := range []string{"alice", ""} { // a page must be able to read a 401, too
		got := s.post(call("1", "echo", "hi"), "Origin", app, callerHeader, who)
		if got.Header.Get("Access-Control-Allow-Origin") != app || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("a call of %q = %d %v", who, got.StatusCode, got.Header)
		}
	}
}
