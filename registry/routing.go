package registry

import (
	"context"
	"fmt"
	"sync/atomic"

	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
)

// routing runs a call on the connections of the caller's role: those of its own login, where it has one.
type routing struct {
	shared Database
	tracer *observe.Tracer
	own    atomic.Pointer[map[string]Database] // by Role.Connection
}

// Run implements Database. A role whose connections are not there is refused: those of others may have more rights.
func (d *routing) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	db := d.shared
	if role, _ := roleOf(ctx); role != nil && role.Connection != "" {
		own, ok := (*d.own.Load())[role.Connection]
		if !ok {
			return postgres.Outcome{}, fmt.Errorf("role %s has no connection %s", role.Name, role.Connection)
		}
		db = own
	}
	if d.tracer == nil {
		return db.Run(ctx, c, sink)
	}
	ctx, application, end := d.tracer.Statement(ctx)
	if application != "" {
		c.Application = application
	}
	out, err := db.Run(ctx, c, sink)
	end(err)
	return out, err
}

// Stuck implements Database.
func (d *routing) Stuck() []postgres.Stuck {
	all := d.shared.Stuck()
	for _, db := range *d.own.Load() {
		all = append(all, db.Stuck()...)
	}
	return all
}

// SetRoleDBs replaces Config.RoleDBs.
func (r *Registry) SetRoleDBs(own map[string]Database) { r.routes.own.Store(&own) }
