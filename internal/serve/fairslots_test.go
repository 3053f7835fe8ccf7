package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/serve"
)

// waits starts a call that waits, and gives the channel that tells when it has its turn.
func waits(t *testing.T, slots *serve.FairSlots, ctx context.Context, caller string, done chan<- string) {
	t.Helper()
	before := slots.Waiting()
	go func() {
		if slots.Take(ctx, caller) == nil {
			done <- caller
		}
	}()
	waitFor(t, "the call waits", func() bool { return slots.Waiting() == before+1 })
}

// TestRefusal: a call that gets no turn is answered in the form of the tools' own errors.
func TestRefusal(t *testing.T) {
	for err, want := range map[error]string{
		serve.ErrBusy:    `{"code":"busy","message":"too many calls wait for their turn: try again in a moment","retryable":true}`,
		context.Canceled: `{"code":"57014","message":"the call was cancelled","retryable":false}`,
	} {
		a := serve.NoSlot(err)
		if got, _ := json.Marshal(a.Err); string(got) != want || a.JSON != "" {
			t.Errorf("noSlot(%v) = %s, structured content %q, want %s and none", err, got, a.JSON, want)
		}
	}
}

func TestTurnsAreFair(t *testing.T) {
	slots := serve.NewFairSlots(4)
	take := func(caller string) {
		t.Helper()
		if err := slots.Take(t.Context(), caller); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		take("alice")
	}
	done := make(chan string, 10)
	waits(t, slots, t.Context(), "alice", done) // a slot is free, but not for her
	take("bob")
	for _, caller := range []string{"alice", "alice", "bob", "carol"} {
		waits(t, slots, t.Context(), caller, done)
	}
	// Alice waits with three calls, all before those of the others, who come as often.
	for i, want := range []string{"alice", "bob", "carol", "alice", "alice"} {
		slots.Give("alice")
		if got := receive(t, "a turn", done); got != want {
			t.Errorf("turn %d is %s's, want %s's", i, got, want)
		}
	}
}

func TestTurnsOfOneCaller(t *testing.T) {
	slots := serve.NewFairSlots(4)
	for range 4 {
		if err := slots.Take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	waits(t, slots, ctx, "", done)
	cancel()
	waitFor(t, "the cancelled call leaves", func() bool { return slots.Waiting() == 0 })
	slots.Give("")
	if err := slots.Take(t.Context(), ""); err != nil {
		t.Errorf("after a cancelled wait Take = %v, want the free slot", err)
	}
}

func TestTurnsAreBounded(t *testing.T) {
	slots := serve.NewFairSlots(1)
	if err := slots.Take(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan string, serve.MaxWaiting)
	for range serve.MaxWaiting {
		go func() { _ = slots.Take(ctx, "alice") }()
	}
	waitFor(t, "all wait", func() bool { return slots.Waiting() == serve.MaxWaiting })
	if err := slots.Take(ctx, "alice"); !errors.Is(err, serve.ErrBusy) {
		t.Errorf("one call more = %v, want %v", err, serve.ErrBusy)
	}
	waits(t, slots, ctx, "bob", done) // another caller may wait
}

// TestCompletionsTakeTurns: they ask the database, too, and so do lists for a caller.
func TestCompletionsTakeTurns(t *testing.T) {
	s := startServer(t, serve.Config{Slots: 2}, serve.HTTPConfig{}, protect)
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
	const list = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	listing := s.inBackground(t.Context(), list, callerHeader, "alice")
	if got := s.post(list, callerHeader, "bob"); !strings.Contains(got.body, `"echo"`) {
		t.Errorf("a list of another caller = %s, want the tools", got.body)
	}
	if len(listing) > 0 {
		t.Error("a list of tools does not wait for its turn")
	}
	s.tools.release <- struct{}{}
	receive(t, "the call ends", running)
	receive(t, "the completion ends", waiting)
	receive(t, "the list ends", listing)
	p := stdio(t, serve.Config{Slots: 1})
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

// TestTurnsOfStuckBackends: what goes on after the answer keeps its turn; with too many such a caller is refused, and only it.
func TestTurnsOfStuckBackends(t *testing.T) {
	slots := serve.NewFairSlots(4)
	var kept []postgres.Kept
	for range 2 {
		turn, err := slots.TakeTurn(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, turn.Keep())
		slots.End(turn)
	}
	refused := make(chan error, 1)
	go func() { refused <- slots.Take(t.Context(), "alice") }()
	waitFor(t, "the call waits while nothing is known", func() bool { return slots.Waiting() == 1 })
	kept[0].Stuck()
	if slots.Waiting() != 1 {
		t.Error("one stuck backend refuses the call that waits, want two to")
	}
	kept[1].Stuck()
	for _, err := range []error{receive(t, "the refusal", refused), slots.Take(t.Context(), "alice")} {
		if !errors.Is(err, serve.ErrStuck) {
			t.Errorf("a call of the caller = %v, want %v", err, serve.ErrStuck)
		}
	}
	for range 2 {
		if err := slots.Take(t.Context(), "bob"); err != nil {
			t.Errorf("a call of another = %v, want a turn", err)
		}
	}
	if !slots.Full() {
		t.Error("a slot is free, want the stuck backends to keep theirs")
	}
	kept[0].Free()
	if err := slots.Take(t.Context(), "alice"); err != nil {
		t.Errorf("when a backend has gone: %v, want a turn", err)
	}
	kept[1].Free()
	if slots.Full() {
		t.Error("no slot is free, want the one of the other backend")
	}
}

// TestNothingIsLeftOfACaller: nor when a wait is given up that was refused, after the backends have ended that were the reason.
func TestNothingIsLeftOfACaller(t *testing.T) {
	slots := serve.NewFairSlots(2)
	turn, err := slots.TakeTurn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	kept := turn.Keep()
	slots.End(turn)
	leave := slots.Queue("alice")
	kept.Stuck()
	kept.Free()
	if leave(); slots.Callers() != 0 {
		t.Errorf("%d callers have an entry, want none", slots.Callers())
	}
	leave = slots.Queue("bob")
	if leave(); slots.Callers() != 0 {
		t.Errorf("after a wait that was given up %d callers have an entry, want none", slots.Callers())
	}
}

// TestStuckCallerIsTold: the refusal says what to wait for, in the form of the tools' errors.
func TestStuckCallerIsTold(t *testing.T) {
	ts := newTools()
	srv := ts.server(t, serve.Config{Slots: 2})
	s := ts.listen(t, srv, serve.HTTPConfig{}, protect)
	turn, err := srv.Slots().TakeTurn(t.Context(), "caller alice")
	if err != nil {
		t.Fatal(err)
	}
	kept := turn.Keep()
	srv.Slots().End(turn)
	kept.Stuck()
	got := s.post(call("1", "echo", "x"), callerHeader, "alice")
	for _, want := range []string{`"isError":true`, "PostgreSQL can't interrupt", `"retryable":true`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the answer is %s, want %s in it", got.body, want)
		}
	}
	const list = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	if got := s.post(list, callerHeader, "alice"); !strings.Contains(got.body, `"echo"`) {
		t.Errorf("the list of the caller = %s, want the tools", got.body)
	}
	if got := s.post(call("1", "echo", "x"), callerHeader, "bob"); strings.Contains(got.body, "isError") {
		t.Errorf("another caller is answered %s, want the result", got.body)
	}
	kept.Free()
	if got := s.post(call("1", "echo", "x"), callerHeader, "alice"); strings.Contains(got.body, "isError") {
		t.Errorf("when the backend has gone the answer is %s, want the result", got.body)
	}
}
