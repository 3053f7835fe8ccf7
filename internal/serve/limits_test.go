package serve_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"mcp-postgres/internal/serve"
)

// TestBytesOfACallerAreBounded: until a message is answered its bytes count, whatever the transport has said by then.
func TestBytesOfACallerAreBounded(t *testing.T) {
	large := strings.Repeat("x", serve.MaxMessage-1000)
	padded := func(id int, tool, pad string) string { // of which the tool has but a name
		return strings.Replace(call(strconv.Itoa(id), tool, "x"), `"params":{`, `"params":{"pad":"`+pad+`",`, 1)
	}
	most := serve.MaxBytesOf / serve.MaxMessage
	for _, kind := range []string{serve.SSE, serve.StreamableHTTP} {
		s := startServer(t, serve.Config{Slots: 2 * most}, serve.HTTPConfig{Kind: kind}, protect)
		post := func(id int, who, text string) int {
			return s.post(padded(id, "echo", text), callerHeader, who).StatusCode
		}
		paths := map[string]string{}
		if kind == serve.SSE {
			for _, who := range []string{"alice", "bob"} {
				_, paths[who] = s.session(callerHeader, who)
			}
			post = func(id int, who, text string) int {
				return s.message(paths[who], padded(id, "echo", text), callerHeader, who)
			}
		}
		for id := range most {
			body := padded(id, "block", large)
			if kind == serve.SSE {
				if got := s.message(paths["alice"], body, callerHeader, "alice"); got != 202 {
					t.Fatalf("%s: large message %d = %d, want 202", kind, id, got)
				}
			} else {
				s.inBackground(t.Context(), body, callerHeader, "alice")
			}
			receive(t, "the call begins", s.tools.began)
		}
		if got := post(100, "alice", large); got != http.StatusTooManyRequests {
			t.Errorf("%s: one large message more = %d, want 429", kind, got)
		}
		if got := post(101, "bob", large); got >= 400 {
			t.Errorf("%s: the large message of another = %d, want it taken", kind, got)
		}
		s.tools.release <- struct{}{}
		waitFor(t, "there is room again", func() bool { return post(102, "alice", large) < 400 })
		for range most - 1 {
			s.tools.release <- struct{}{}
		}
	}
}

// half opens a connection and sends half a request.
func half(t *testing.T, s *site) net.Conn {
	t.Helper()
	return begin(t, s, "127.0.0.1", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
}

// begin opens a connection from an address and sends the beginning of a request.
func begin(t *testing.T, s *site, from, request string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skip("this machine has one loopback address")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, _ = fmt.Fprint(c, request) // who is closed by then sees it later
	return c
}

// TestStrangersAreBounded: half requests close each other, and not who has been let in.
func TestStrangersAreBounded(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{}, protect)
	known := half(t, s)
	body := call("1", "echo", "x")
	request := fmt.Sprintf("me\r\n%s: alice\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", callerHeader, len(body), body)
	answered := func(c net.Conn, request string) string {
		_, _ = fmt.Fprint(c, request)
		line, err := bufio.NewReader(c).ReadString('\n')
		return fmt.Sprint(strings.TrimSpace(line), err)
	}
	if got := answered(known, request); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Fatalf("the caller is answered %s", got)
	}
	first := half(t, s)
	var last net.Conn
	for range serve.MaxStrangers {
		last = half(t, s)
	}
	if got := answered(last, request); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("the last who came is answered %s, want 200", got)
	}
	if got := answered(known, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "+request); strings.Contains(got, "EOF") || strings.Contains(got, "reset") {
		t.Errorf("the connection of a caller gives %s, want it open", got)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the first half request of too many is still waited for")
	}
}

// TestStrangersOfAnAddressAreInTheirOwnWay: nor do those whose refused requests wait for a body, at another address.
func TestStrangersOfAnAddressAreInTheirOwnWay(t *testing.T) {
	var refused atomic.Int32
	s := startServer(t, serve.Config{}, serve.HTTPConfig{}, func(next http.Handler) http.Handler {
		protected := protect(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(callerHeader) == "" {
				refused.Add(1)
			}
			protected.ServeHTTP(w, r)
		})
	})
	const bodyless = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n"
	flood := func(n int) {
		t.Helper()
		for range n {
			before := refused.Load()
			begin(t, s, "127.0.0.2", bodyless)
			waitFor(t, "the request without a body is refused", func() bool { return refused.Load() > before })
		}
	}
	flood(serve.MaxStrangers)
	honest := half(t, s)
	flood(10)
	body := call("1", "echo", "x")
	_, _ = fmt.Fprintf(honest, "me\r\n%s: alice\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", callerHeader, len(body), body)
	if line, err := bufio.NewReader(honest).ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 200") {
		t.Errorf("who comes meanwhile is answered %q, %v, want 200", line, err)
	}
}

func TestNetworkOf(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"[2001:db8::1]:1", "[2001:db8::ffff:0:0:1]:2", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::2%eth0]:1", true},
	} {
		if got := serve.NetworkOf(test.a) == serve.NetworkOf(test.b); got != test.same {
			t.Errorf("%s and %s are of one network: %t, want %t", test.a, test.b, got, test.same)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	for size, want := range map[int]int{12 << 10: 200, 24 << 10: 431} {
		if got := s.post(call("1", "echo", "x"), "Authorization", "Bearer "+strings.Repeat("x", size)); got.StatusCode != want {
			t.Errorf("a header of %d bytes = %d, want %d", size, got.StatusCode, want)
		}
	}
}
