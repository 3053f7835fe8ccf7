package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

// Handler is what serves streamable HTTP on the address 127.0.0.1.
func Handler(t *Transport, s *server.MCPServer) http.Handler {
	h := &HTTP{t: t, c: HTTPConfig{AllowedHosts: []string{"example.com"}}, endpoint: newStreamable(t, s), health: &health{}, connections: newConnections()}
	return h.handler()
}

// Hurry shortens the times between notifications of progress, between signs of life, and that a session may be silent.
func (t *Transport) Hurry(progress, heartbeat, idle time.Duration) {
	t.period = period{progress, heartbeat, idle}
}

// Turns are the turns of callers.
type Turns = turns

var (
	NewTurns = newTurns
	ErrBusy  = errBusy
	ErrStuck = errStuck
	Refusal  = refusal

	NetworkOf = networkOf
)

// Turns are those of the transport.
func (t *Transport) Turns() *Turns { return t.turns }

// Turn is the turn of one call.
type Turn = turn

// TakeTurn and End are Take and Give with the turn itself.
func (t *turns) TakeTurn(ctx context.Context, caller string) (*Turn, error) {
	return t.take(ctx, caller)
}

// End ends the call.
func (*turns) End(u *Turn) { u.give() }

// Full reports that no slot is free.
func (t *turns) Full() bool { return t.full() }

func (t *turns) Take(ctx context.Context, caller string) error {
	_, err := t.take(ctx, caller)
	return err
}
func (t *turns) Give(caller string) { (&turn{t, caller, 1}).give() }

const (
	MaxMessage     = maxMessage
	MaxWaiting     = maxWaiting
	MaxStreams     = maxSessionsOf
	MaxBytesOf     = maxBytesOf
	MaxStrangers   = maxStrangers
	MaxConnections = maxConnections
)

// Waiting is how many calls wait.
func (t *turns) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting
}
