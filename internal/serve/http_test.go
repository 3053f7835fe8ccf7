package serve_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/serve"
	"mcp-postgres/internal/test/pgtest"
)

func TestStrangersAreNotLetIn(t *testing.T) {
	for _, test := range []struct {
		name string
		c    serve.HTTPConfig
		ok   bool
	}{
		{"loopback", serve.HTTPConfig{Host: "127.0.0.1"}, true},
		{"localhost", serve.HTTPConfig{Host: "localhost"}, true},
		{"all addresses", serve.HTTPConfig{Host: "0.0.0.0"}, false},
		{"all addresses, by default", serve.HTTPConfig{Host: ""}, false},
		{"with authentication", serve.HTTPConfig{Host: "0.0.0.0"}, true},
		{"on purpose", serve.HTTPConfig{Host: "0.0.0.0", InsecureNoAuth: true}, true},
		{"half of TLS", serve.HTTPConfig{Host: "127.0.0.1", TLSCert: "cert.pem"}, false},
	} {
		c := serve.Config{}
		if test.name == "with authentication" {
			c.Access = &auth.Access{}
		}
		h, err := newTools().server(t, c).NewHTTP(test.c)
		if (err == nil) != test.ok {
			t.Errorf("%s: NewHTTP = %v, want ok %v", test.name, err, test.ok)
		}
		if err == nil {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := h.Serve(ctx); err != nil {
				t.Errorf("%s: Serve = %v", test.name, err)
			}
		}
	}
}

func TestOpenAndProtected(t *testing.T) {
	for _, kind := range []string{serve.StreamableHTTP, serve.SSE} {
		o := observe.Observer{Metrics: observe.NewMetrics("1", false)}
		s := startServer(t, serve.Config{Observer: o}, serve.HTTPConfig{Kind: kind}, protect)
		paths := map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/mcp": 401, "/sse": 404, "/message": 404}
		if kind == serve.SSE {
			paths["/mcp"], paths["/sse"], paths["/message"] = 404, 401, 401
		}
		for path, want := range paths {
			a, err := s.do(t.Context(), http.MethodGet, path, "", "Host", "10.0.0.1")
			if path != "/healthz" && path != "/readyz" { // what load balancers ask has no name
				a, err = s.do(t.Context(), http.MethodGet, path, "")
			}
			if err != nil || a.StatusCode != want {
				t.Errorf("%s: GET %s = %d %q %v, want %d", kind, path, a.StatusCode, a.body, err, want)
			}
		}
	}
}

func TestReady(t *testing.T) {
	ts := newTools()
	ts.down = "it is down"
	s := ts.listen(t, ts.server(t, serve.Config{}), serve.HTTPConfig{})
	for range 20 {
		a, err := s.do(t.Context(), http.MethodGet, "/readyz", "")
		if err != nil || a.StatusCode != 503 || strings.TrimSpace(a.body) != `{"ready":false,"missing":{"database":"it is down"}}` {
			t.Errorf("GET /readyz = %d %s %v", a.StatusCode, a.body, err)
		}
	}
	if n := ts.asked.Load(); n > 10 {
		t.Errorf("20 questions ask the database %d times, want it to be spared", n)
	}
	if a, err := s.do(t.Context(), http.MethodGet, "/healthz", ""); err != nil || a.StatusCode != 200 {
		t.Errorf("GET /healthz = %d %v, want 200 whatever is missing", a.StatusCode, err)
	}
}

func TestHeaderLimit(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	if got := s.post(call("1", "echo", "hi"), "X-Long", strings.Repeat("x", 100<<10)); got.StatusCode != 431 {
		t.Errorf("100 KiB of headers = %d, want 431", got.StatusCode)
	}
}

func TestRenewedCertificate(t *testing.T) {
	authority := pgtest.NewAuthority(t)
	end := time.Now().Add(time.Hour)
	cert, key := authority.Issue(t, "localhost", end).Files(t)
	s := startServer(t, serve.Config{}, serve.HTTPConfig{TLSCert: cert, TLSKey: key})
	serial := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "http://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	if again := serial(); again != first {
		t.Errorf("the certificate changes by itself")
	}
	renew := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(content)) * time.Second)
		if err := os.Chtimes(name, later, later); err != nil {
			t.Fatal(err)
		}
	}
	pair := authority.Issue(t, "localhost", end)
	newCert, newKey := pair.Files(t)
	renew(cert, read(t, newCert)) // and not yet its key
	if got := serial(); got != first {
		t.Errorf("half of a renewal is used")
	}
	renew(key, read(t, newKey))
	if got := serial(); got == first {
		t.Errorf("the renewed certificate is not used")
	}
	pool := x509.NewCertPool()
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	res, err := client.Get("https" + strings.TrimPrefix(s.url, "http") + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "ok\n" || res.ProtoMajor != 2 {
		t.Errorf("over HTTPS = %s %q %v, want HTTP/2", res.Proto, b, err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A stream must outlive the deadlines that are set for requests.
func TestHeartbeats(t *testing.T) {
	body, headers := modern(`1`, "subscriptions/listen", "", `"notifications":{"toolsListChanged":true},`)
	for kind, path := range map[string]string{serve.StreamableHTTP: "/mcp", serve.SSE: "/sse"} {
		s := serveHurried(t, serve.HTTPConfig{Kind: kind}, 5*time.Millisecond, time.Hour)
		b := body
		if kind == serve.SSE {
			b = ""
		}
		st := s.open(path, b, headers...)
		beats := 0
		for beats < 5 && st.lines.Scan() {
			if st.lines.Text() == ":" {
				beats++
			}
		}
		if beats < 5 {
			t.Errorf("%s: %d signs of life", kind, beats)
		}
		st.cancel()
	}
}

func TestSlowBody(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(b), "400 Bad Request") || !strings.Contains(string(b), "did not come whole") {
		t.Errorf("half a message = %q %v", b, err)
	}
}
