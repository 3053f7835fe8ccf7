package registry

import "github.com/mark3labs/mcp-go/server"

// Server makes a server of this one database.
func (r *Registry) Server(version string, options ...server.ServerOption) *server.MCPServer {
	d := r.databases.Load()
	if d == nil {
		d = NewDatabases(&Served{Registry: r})
	}
	return d.Server(version, options...)
}

// Status is the state of all tools, whoever asks.
func (r *Registry) Status() ServerInfo { return r.status() }

// RulesChanged forgets what the roles may read.
func (r *Registry) RulesChanged() { r.guard.Forget() }
