package serve

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/auth"
)

// Handler is what serves streamable HTTP on the address 127.0.0.1.
func Handler(s *Server) http.Handler {
	h := &HTTP{server: s, c: HTTPConfig{AllowedHosts: []string{"example.com"}}, routes: newStreamable(s), health: &health{server: s}, connections: newConnections()}
	return h.handler()
}

// Limit bounds what callers ask for.
func (s *Server) Limit(l *auth.Limiter) { s.limiter = l }

// Protect lets callers in by another way.
func (h *HTTP) Protect(p func(http.Handler) http.Handler) { h.protect = p }

// Hurry shortens the times between notifications of progress, between signs of life, and that a session may be silent.
func (s *Server) Hurry(progress, heartbeat, idle time.Duration) {
	s.period = period{progress, heartbeat, idle}
}

// MCP is what answers all but plain calls.
func (s *Server) MCP() *server.MCPServer { return s.mcp }

// FairSlots share slots between callers.
type FairSlots = fairSlots

var (
	NewFairSlots = newFairSlots
	NoSlot       = noSlot
	ErrBusy      = errBusy
	ErrStuck     = errStuck

	NetworkOf = networkOf
)

// Slots are those of the server.
func (s *Server) Slots() *FairSlots { return s.slotsOf(s.Databases.All()[0]) }

// Turn is the turn of one call.
type Turn = turn

// TakeTurn and End are Take and Give with the turn itself.
func (t *fairSlots) TakeTurn(ctx context.Context, caller string) (*Turn, error) {
	return t.take(ctx, caller)
}

// End ends the call.
func (*fairSlots) End(u *Turn) { u.give() }

// Full reports that no slot is free.
func (t *fairSlots) Full() bool { return t.full() }

func (t *fairSlots) Take(ctx context.Context, caller string) error {
	_, err := t.take(ctx, caller)
	return err
}
func (t *fairSlots) Give(caller string) { (&turn{t, caller, 1}).give() }

const (
	MaxMessage     = maxMessage
	MaxWaiting     = maxWaiting
	MaxStreams     = maxSessionsOf
	MaxBytesOf     = maxBytesOf
	MaxStrangers   = maxStrangers
	MaxConnections = maxConnections
)

// Waiting is how many calls wait.
func (t *fairSlots) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting
}

// Queue has a call wait; leave gives up, as take does when its context ends.
func (t *fairSlots) Queue(caller string) (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	turned := make(chan error, 1)
	t.enqueue(caller, turned)
	return func() { t.leave(caller, turned) }
}

// Callers is how many callers have an entry.
func (t *fairSlots) Callers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.callers)
}

// Addr is the address that it listens on.
func (h *HTTP) Addr() net.Addr { return h.addr() }
