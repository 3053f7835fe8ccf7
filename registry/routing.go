package registry

import (
	"context"
	"fmt"
	"sync/atomic"

	"mcp-postgres/internal/postgres"
)

// routing runs a call on the connections of the caller's role: those of its own login, where it has one.
type routing struct {
	shared Database
	own    atomic.Pointer[map[string]Database] // by Role.Connection
}

// Run implements Database. A role whose connections are not there is refused: those of others may have more rights.
func (d *routing) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	role, _ := roleOf(ctx)
	if role == nil || role.Connection == "" {
		return d.shared.Run(ctx, c, sink)
	}
	db, ok := (*d.own.Load())[role.Connection]
	if !ok {
		return postgres.Outcome{}, fmt.Errorf("role %s has no connection %s", role.Name, role.Connection)
	}
	return db.Run(ctx, c, sink)
}

// SetRoleDBs replaces Config.RoleDBs.
func (r *Registry) SetRoleDBs(own map[string]Database) { r.routes.own.Store(&own) }
