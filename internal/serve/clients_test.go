package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"mcp-postgres/internal/serve"
)

// TestPaths: the endpoint is served at its own path and at that of the public URL, whether a proxy strips the path or not.
func TestPaths(t *testing.T) {
	const mcp, sse = serve.StreamableHTTP, serve.SSE
	for _, test := range []struct{ kind, public, found, missing string }{
		{mcp, "", "/mcp /mcp/", "/ /mcp/x /mcpx /sse /team/mcp /.well-known/oauth-protected-resource"},
		{mcp, "https://db.example.com/mcp", "/mcp /mcp/", "/ /team/mcp"},
		{mcp, "https://db.example.com/team-a/mcp", "/mcp /mcp/ /team-a/mcp /team-a/mcp/", "/ /team-a /team-a/ /team-b/mcp /team-a/mcp/x /team-a/team-a/mcp"},
		{mcp, "https://db.example.com/team-a/mcp/", "/mcp /mcp/ /team-a/mcp /team-a/mcp/", "/team-a/mcp/mcp"},
		{mcp, "https://db.example.com/sales", "/mcp /mcp/ /sales /sales/", "/ /salesmcp"},
		{mcp, "https://db.example.com", "/mcp /mcp/ /", "/x"},
		{sse, "https://db.example.com/team-a/sse", "/sse /sse/ /team-a/sse /team-a/sse/", "/ /mcp /team-a/mcp"},
	} {
		s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: test.kind, PublicURL: test.public})
		wrongMethod := map[string]string{mcp: http.MethodGet, sse: http.MethodDelete}[test.kind]
		for _, path := range strings.Fields(test.found) {
			a, err := s.do(t.Context(), wrongMethod, path, "")
			if err != nil || a.StatusCode != 405 || a.Header.Get("Allow") == "" {
				t.Errorf("%s with the public URL %q: %s %s = %d %v, want 405 with Allow", test.kind, test.public, wrongMethod, path, a.StatusCode, err)
			}
			if test.kind == mcp {
				if a, err := s.do(t.Context(), http.MethodPost, path, call("1", "echo", "hi")); err != nil || a.StatusCode != 200 || !strings.Contains(a.body, "hi") {
					t.Errorf("with the public URL %q: POST %s = %d %s %v", test.public, path, a.StatusCode, a.body, err)
				}
			}
		}
		for _, path := range strings.Fields(test.missing) {
			a, err := s.do(t.Context(), http.MethodPost, path, call("1", "echo", "hi"))
			if err != nil || a.StatusCode != 404 || !strings.Contains(a.body, "the endpoint is /"+test.found[1:4]) {
				t.Errorf("%s with the public URL %q: POST %s = %d %s %v, want a 404 that names the endpoint", test.kind, test.public, path, a.StatusCode, a.body, err)
			}
		}
	}
}

// TestMessagesBelowThePublicPath: clients of SSE are given the path that they can reach.
func TestMessagesBelowThePublicPath(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{Kind: serve.SSE, PublicURL: "https://db.example.com/team-a/sse"})
	st := s.open("/team-a/sse", "")
	endpoint := st.next()
	if !strings.HasPrefix(endpoint, "/team-a/message?sessionId=") {
		t.Fatalf("the endpoint is %s", endpoint)
	}
	if a, err := s.do(t.Context(), http.MethodPost, endpoint, call("1", "echo", "hi")); err != nil || a.StatusCode != 202 {
		t.Errorf("POST %s = %d %v", endpoint, a.StatusCode, err)
	}
	if got := st.next(); !strings.Contains(got, "hi") {
		t.Errorf("the answer is %s", got)
	}
}

// TestRefusalsAreReadable: a page that may use the server can read what it is refused with.
func TestRefusalsAreReadable(t *testing.T) {
	const app = "https://app.example.com"
	protected := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status := map[string]int{"": 401, "stranger": 403, "hurried": 429}[r.Header.Get(callerHeader)]
			if status != 0 {
				w.WriteHeader(status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	s := startServer(t, serve.Config{}, serve.HTTPConfig{AllowedOrigins: []string{app}}, protected)
	for _, test := range []struct {
		status             int
		method, path, body string
		headers            []string
	}{
		{200, "POST", "/mcp", call("1", "echo", "hi"), nil},
		{401, "POST", "/mcp", call("1", "echo", "hi"), []string{callerHeader, ""}},
		{403, "POST", "/mcp", call("1", "echo", "hi"), []string{callerHeader, "stranger"}},
		{403, "POST", "/mcp", call("1", "echo", "hi"), []string{"Host", "other.example.com"}},
		{404, "POST", "/other", "", nil},
		{405, "GET", "/mcp", "", nil},
		{405, "DELETE", "/mcp", "", nil},
		{406, "POST", "/mcp", call("1", "echo", "hi"), []string{"Accept", "text/html"}},
		{413, "POST", "/mcp", strings.Repeat("x", 5<<20), nil},
		{415, "POST", "/mcp", "x", []string{"Content-Type", "text/plain"}},
		{429, "POST", "/mcp", call("1", "echo", "hi"), []string{callerHeader, "hurried"}},
	} {
		a, err := s.do(t.Context(), test.method, test.path, test.body, append([]string{"Origin", app, callerHeader, "alice"}, test.headers...)...)
		if err != nil || a.StatusCode != test.status || a.Header.Get("Access-Control-Allow-Origin") != app || a.Header.Get("Access-Control-Expose-Headers") == "" {
			t.Errorf("%s %s %v = %d %v %v, want %d that the page can read", test.method, test.path, test.headers, a.StatusCode, a.Header, err, test.status)
		}
		a, err = s.do(t.Context(), test.method, test.path, test.body, append([]string{callerHeader, "alice"}, test.headers...)...)
		if err != nil || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s for no page = %v %v", test.method, test.path, a.Header, err)
		}
	}
}

// TestOptions: a browser asks without a token, with every header that clients of the protocol send.
func TestOptions(t *testing.T) {
	const app = "https://app.example.com"
	s := startServer(t, serve.Config{}, serve.HTTPConfig{AllowedOrigins: []string{app}}, protect)
	sent := []string{"Accept", "Authorization", "Content-Type", "Last-Event-ID", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region", "Mcp-Protocol-Version",
		"Mcp-Session-Id", "Traceparent", "Tracestate"}
	for _, path := range []string{"/mcp", "/mcp/", "/.well-known/oauth-protected-resource"} {
		a, err := s.do(t.Context(), http.MethodOptions, path, "", "Origin", app, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", strings.ToLower(strings.Join(sent, ",")))
		allowed := strings.Split(a.Header.Get("Access-Control-Allow-Headers"), ", ")
		if err != nil || a.StatusCode != 204 || len(allowed) != len(sent) || a.Header.Get("Access-Control-Allow-Origin") != app {
			t.Errorf("OPTIONS %s = %d %v %v, want %d headers", path, a.StatusCode, a.Header, err, len(sent))
		}
		for _, h := range sent {
			if !strings.Contains(", "+strings.Join(allowed, ", ")+",", ", "+strings.ToLower(h)+",") {
				t.Errorf("OPTIONS %s does not allow %s", path, h)
			}
		}
		if a, err := s.do(t.Context(), http.MethodOptions, path, ""); err != nil || a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s of no page = %d %v %v", path, a.StatusCode, a.Header, err)
		}
	}
}

// TestSessionFromBefore: a session id that another process gave is good, so that a restart loses no client.
func TestSessionFromBefore(t *testing.T) {
	before := startServer(t, serve.Config{}, serve.HTTPConfig{})
	session := before.post(initialize).Header.Get("Mcp-Session-Id")
	after := startServer(t, serve.Config{}, serve.HTTPConfig{})
	if got := after.post(call("1", "echo", "hi"), "Mcp-Session-Id", session); session == "" || got.StatusCode != 200 || !strings.Contains(got.body, "hi") {
		t.Errorf("a call of the session %q of before = %d %s", session, got.StatusCode, got.body)
	}
	if got := after.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Mcp-Session-Id", session); got.StatusCode != 202 {
		t.Errorf("a notification of before = %d", got.StatusCode)
	}
}

// TestRefusedWhileSending: a client that reads nothing before it has sent everything sees why it is refused.
func TestRefusedWhileSending(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{}, protect)
	for _, test := range []struct{ path, who, want string }{
		{"/mcp", "alice", "413 Request Entity Too Large"},
		{"/mcp", "", "401 Unauthorized"},
		{"/other", "alice", "404 Not Found"},
	} {
		for _, coding := range []string{"Content-Length: 20971520", "Transfer-Encoding: chunked"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s: %s\r\n%s\r\n\r\n", test.path, callerHeader, test.who, coding)
			chunk := strings.Repeat("x", 1<<20)
			for range 20 {
				if strings.Contains(coding, "chunked") {
					chunk = "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
				}
				if _, err := io.WriteString(conn, chunk); err != nil {
					t.Fatalf("%s by %q, %s: %v", test.path, test.who, coding, err)
				}
			}
			if strings.Contains(coding, "chunked") {
				fmt.Fprint(conn, "0\r\n\r\n")
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || res.Status != test.want {
				t.Errorf("%s by %q, %s = %v %v, want %s", test.path, test.who, coding, res, err, test.want)
			}
		}
	}
}
