// Package serve speaks MCP with clients: over standard input and output, streamable HTTP, and SSE. It has the order
// of a call, and closes what the protocol library leaves open: limits, identity, fairness between callers, an orderly
// end.
package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/registry"
)

// Config says what is served, and how calls are run.
type Config struct {
	// Databases have the tools, resources and prompts. Must be set.
	Databases *registry.Databases
	// Observer is told of requests, refusals and spans; nil is nobody.
	Observer *observe.Observer
	// Version is that of the server.
	Version string
	// Slots is how many calls run at once in a database that does not say so itself, shared fairly between callers; zero
	// means 10.
	Slots int
	// Access lets callers in; nil lets everybody in.
	Access *auth.Access
	// Logger must be set.
	Logger *slog.Logger
}

// Server answers requests, whatever way they come.
type Server struct {
	Config
	// mcp answers what is no plain call of a tool.
	mcp *server.MCPServer
	// info is how it names itself in each answer of revision 2026-07-28 and later.
	info    json.RawMessage
	slots   sync.Map // *fairSlots by slotsKey
	load    *load
	streams *streamLimit
	period  period
	// draining is closed when the server ends: streams end as soon as the requests in flight are answered.
	draining chan struct{}
}

// period holds the times that tests shorten.
type period struct {
	progress  time.Duration // between two notifications of progress
	heartbeat time.Duration // between two signs of life on a stream
	idle      time.Duration // after which an SSE session without messages ends
}

var standard = period{progress: time.Second, heartbeat: 15 * time.Second, idle: time.Hour}

// New makes a Server.
func New(c Config) *Server {
	if c.Slots == 0 {
		c.Slots = 10
	}
	if c.Observer == nil {
		c.Observer = &observe.Observer{}
	}
	s := &Server{
		Config: c, load: newLoad(), streams: newStreamLimit(), period: standard,
		draining: make(chan struct{}),
	}
	s.mcp = c.Databases.Server(c.Version, server.WithLogging())
	s.info = serverInfo(s.mcp)
	return s
}

type slotsKey struct {
	database string
	slots    int
}

// slotsOf are those of a database: a slow one holds up no other.
func (s *Server) slotsOf(d *registry.Served) *fairSlots {
	key := slotsKey{d.Name, cmp.Or(d.Slots, s.Config.Slots)}
	known, ok := s.slots.Load(key)
	if !ok {
		known, _ = s.slots.LoadOrStore(key, newFairSlots(key.slots))
	}
	return known.(*fairSlots)
}

// serverInfo is how the library names the server in its answers.
func serverInfo(s *server.MCPServer) json.RawMessage {
	const discover = `{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"` +
		mcp.MetaKeyProtocolVersion + `":"` + mcp.ProtocolVersion20260728 + `","` + mcp.MetaKeyClientCapabilities + `":{}}}}`
	response, _ := s.HandleMessage(context.Background(), json.RawMessage(discover)).(mcp.JSONRPCResponse)
	result, ok := response.Result.(mcp.DiscoverResult)
	if !ok {
		panic("the library does not answer server/discover")
	}
	info, err := json.Marshal(result.Meta.ServerInfo())
	if err != nil {
		panic(err) // texts
	}
	return info
}

// until is when the authorization of the caller expires; streams that the caller opened end then. Zero is never.
func until(ctx context.Context) time.Time {
	if c, _ := guard.CallerFrom(ctx); c != nil {
		return c.Until
	}
	return time.Time{}
}

// subject names the caller; empty while authentication is off.
func subject(ctx context.Context) string {
	if c, ok := guard.CallerFrom(ctx); ok {
		return c.Sub
	}
	return ""
}
