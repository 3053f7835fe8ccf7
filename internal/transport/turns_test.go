package transport_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"mcp-postgres/internal/transport"
)

// waits starts a call that waits, and gives the channel that tells when it has its turn.
func waits(t *testing.T, turns *transport.Turns, ctx context.Context, caller string, done chan<- string) {
	t.Helper()
	before := turns.Waiting()
	go func() {
		if turns.Take(ctx, caller) == nil {
			done <- caller
		}
	}()
	waitFor(t, "the call waits", func() bool { return turns.Waiting() == before+1 })
}

func TestTurnsAreFair(t *testing.T) {
	turns := transport.NewTurns(4)
	take := func(caller string) {
		t.Helper()
		if err := turns.Take(t.Context(), caller); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		take("alice")
	}
	done := make(chan string, 10)
	waits(t, turns, t.Context(), "alice", done) // a slot is free, but not for her
	take("bob")
	for _, caller := range []string{"alice", "alice", "bob", "carol"} {
		waits(t, turns, t.Context(), caller, done)
	}
	// Alice waits with three calls, all before those of the others, who come as often.
	for i, want := range []string{"alice", "bob", "carol", "alice", "alice"} {
		turns.Give("alice")
		if got := receive(t, "a turn", done); got != want {
			t.Errorf("turn %d is %s's, want %s's", i, got, want)
		}
	}
}

func TestTurnsOfOneCaller(t *testing.T) {
	turns := transport.NewTurns(4)
	for range 4 {
		if err := turns.Take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	waits(t, turns, ctx, "", done)
	cancel()
	waitFor(t, "the cancelled call leaves", func() bool { return turns.Waiting() == 0 })
	turns.Give("")
	if err := turns.Take(t.Context(), ""); err != nil {
		t.Errorf("after a cancelled wait Take = %v, want the free slot", err)
	}
}

func TestTurnsAreBounded(t *testing.T) {
	turns := transport.NewTurns(1)
	if err := turns.Take(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan string, transport.MaxWaiting)
	for range transport.MaxWaiting {
		go func() { _ = turns.Take(ctx, "alice") }()
	}
	waitFor(t, "all wait", func() bool { return turns.Waiting() == transport.MaxWaiting })
	if err := turns.Take(ctx, "alice"); !errors.Is(err, transport.ErrBusy) {
		t.Errorf("one call more = %v, want %v", err, transport.ErrBusy)
	}
	waits(t, turns, ctx, "bob", done) // another caller may wait
}

// TestCompletionsTakeTurns: they ask the database, too.
func TestCompletionsTakeTurns(t *testing.T) {
	s := serve(t, transport.Config{Slots: 2, Caller: caller}, transport.HTTPConfig{Protect: protect})
	const complete = `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"hello"},"argument":{"name":"x","value":""}}}`
	running := s.inBackground(t.Context(), call("1", "block", "long"), callerHeader, "alice")
	receive(t, "the call begins", s.tools.began)
	waiting := s.inBackground(t.Context(), complete, callerHeader, "alice")
	if got := s.post(complete, callerHeader, "bob"); got.StatusCode != http.StatusOK || strings.Contains(got.body, "turn") {
		t.Errorf("a completion of another caller = %d %s, want an answer", got.StatusCode, got.body)
	}
	if len(waiting) > 0 {
		t.Error("a completion does not wait for its turn")
	}
	s.tools.release <- struct{}{}
	receive(t, "the call ends", running)
	receive(t, "the completion ends", waiting)
	p := stdio(t, transport.Config{Slots: 1})
	p.send(call("1", "block", "long"))
	receive(t, "the call begins", p.tools.began)
	p.send(complete, ping)
	if got := p.next(); !strings.Contains(got, `"ping"`) {
		t.Errorf("while a call runs the first answer is %s, want that to ping", got)
	}
	p.tools.release <- struct{}{}
	if first, second := p.next(), p.next(); !strings.Contains(first+second, "released") || second == "" {
		t.Errorf("then come %q and %q, want the call and the completion", first, second)
	}
}
