package auth_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"mcp-postgres/internal/auth"
)

// admitting serves requests within the limits; the handler calls end.
func admitting(t *testing.T, l auth.Limits, serve func(r *http.Request, end func())) http.Handler {
	t.Helper()
	limiter, err := auth.NewLimiter(l)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if end := limiter.Admit(w, r, r.Header.Get("Who")); end != nil {
			serve(r, end)
		}
	})
}

// limited serves requests that end with the handler.
func limited(t *testing.T, l auth.Limits, serve func(r *http.Request)) http.Handler {
	t.Helper()
	return admitting(t, l, func(r *http.Request, end func()) { defer end(); serve(r) })
}

func nothing(*http.Request) {}

func who(name string) http.Header { return http.Header{"Who": {name}} }

func TestRequestRate(t *testing.T) {
	h := limited(t, auth.Limits{PerSecond: 0.01, Burst: 3}, nothing)
	for n := range 5 {
		got := ask(h, "/mcp", who("alice"))
		if want := map[bool]int{true: 200, false: 429}[n < 3]; got.StatusCode != want {
			t.Errorf("request %d of alice: status %d, want %d", n+1, got.StatusCode, want)
		}
		if got.StatusCode == 429 {
			after, err := strconv.Atoi(got.Header.Get("Retry-After"))
			if err != nil || after < 90 || after > 100 {
				t.Errorf("Retry-After is %q, want the seconds until the next request, about 100", got.Header.Get("Retry-After"))
			}
			body, _ := io.ReadAll(got.Body)
			checkBody(t, got, body)
		}
	}
	if got := ask(h, "/mcp", who("bob")); got.StatusCode != 200 {
		t.Errorf("bob: status %d, want 200 whatever alice does", got.StatusCode)
	}
}

func TestConcurrentRequests(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	h := limited(t, auth.Limits{Concurrent: 2}, func(r *http.Request) {
		if r.URL.Path == "/slow" {
			enter <- struct{}{}
			<-leave
		}
	})
	ended := make(chan int)
	for range 2 {
		go func() { ended <- ask(h, "/slow", who("alice")).StatusCode }()
		<-enter
	}
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 429 || got.Header.Get("Retry-After") != "1" {
		t.Errorf("third request of alice: status %d, Retry-After %q; want 429, 1", got.StatusCode, got.Header.Get("Retry-After"))
	}
	if got := ask(h, "/mcp", who("bob")); got.StatusCode != 200 {
		t.Errorf("bob: status %d, want 200", got.StatusCode)
	}
	close(leave)
	for range 2 {
		if status := <-ended; status != 200 {
			t.Errorf("slow request: status %d, want 200", status)
		}
	}
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
		t.Errorf("alice afterwards: status %d, want 200", got.StatusCode)
	}
}

// TestRest: a stream that only listens is no request in flight.
func TestRest(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	h := admitting(t, auth.Limits{Concurrent: 1}, func(r *http.Request, end func()) {
		defer end()
		if r.URL.Path == "/stream" {
			end()
			enter <- struct{}{}
			<-leave
		}
	})
	ended := make(chan int)
	for range 2 {
		go func() { ended <- ask(h, "/stream", who("alice")).StatusCode }()
		<-enter
	}
	for range 2 {
		if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
			t.Errorf("a request beside streams: status %d, want 200", got.StatusCode)
		}
	}
	close(leave)
	<-ended
	<-ended
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
		t.Errorf("a request after them: status %d, want 200", got.StatusCode)
	}
}

// TestManyCallers has more callers than are kept in mind: the longest idle one is forgotten.
func TestManyCallers(t *testing.T) {
	h := limited(t, auth.Limits{PerSecond: 0.01, Burst: 1, Callers: 10}, nothing)
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
		t.Fatalf("alice: status %d, want 200", got.StatusCode)
	}
	for n := range 9 {
		ask(h, "/mcp", who(fmt.Sprint(n)))
		if got := ask(h, "/mcp", who("alice")); got.StatusCode != 429 {
			t.Errorf("alice among %d others: status %d, want 429", n+1, got.StatusCode)
		}
	}
	for n := range 10 {
		ask(h, "/mcp", who(fmt.Sprint("x", n)))
	}
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
		t.Errorf("alice, forgotten: status %d, want 200", got.StatusCode)
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		limits auth.Limits
		good   bool
	}{
		{auth.Limits{}, true},
		{auth.Limits{PerSecond: 0.1}, true},
		{auth.Limits{PerSecond: -1}, false},
		{auth.Limits{Concurrent: -1}, false},
	} {
		if _, err := auth.NewLimiter(test.limits); (err == nil) != test.good {
			t.Errorf("NewLimiter(%+v) = %v, want good: %t", test.limits, err, test.good)
		}
	}
}

// TestHeldRequests: a request that is held counts when its handler has returned, until it is released.
func TestHeldRequests(t *testing.T) {
	var release func()
	h := admitting(t, auth.Limits{Concurrent: 1}, func(r *http.Request, end func()) {
		if r.URL.Path == "/held" {
			release = end
			return
		}
		end()
	})
	for _, test := range []struct {
		path string
		want int
	}{{"/mcp", 200}, {"/mcp", 200}, {"/held", 200}, {"/mcp", 429}} {
		if got := ask(h, test.path, who("alice")); got.StatusCode != test.want {
			t.Errorf("%s = %d, want %d", test.path, got.StatusCode, test.want)
		}
	}
	release()
	if got := ask(h, "/mcp", who("alice")); got.StatusCode != 200 {
		t.Errorf("after the release = %d, want 200", got.StatusCode)
	}
}
