package registry

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// roleOf gives the role of the caller, nil for a caller without one. on is false where authentication is off.
func roleOf(ctx context.Context) (role *guard.Role, on bool) {
	c, on := guard.CallerFrom(ctx)
	if c == nil {
		return nil, on
	}
	return c.Role, on
}

// mayCall reports whether the role of the caller has the tool. Whether its SQL is allowed is for the guard.
func mayCall(ctx context.Context, t *catalog.Tool) bool {
	role, on := roleOf(ctx)
	return !on || role.AllowsTool(t.Name, t.Toolset) && inRoles(role, t.Roles)
}

// inRoles reports whether a role is among those that a file names; none means all.
func inRoles(role *guard.Role, names []string) bool {
	return len(names) == 0 || role != nil && slices.Contains(names, role.Name)
}

// callerArgs are the values of @caller_*, by name. With authentication off all are NULL: no restriction.
func callerArgs(ctx context.Context) map[string][]byte {
	c, on := guard.CallerFrom(ctx)
	if !on {
		return nil
	}
	own := map[string][]byte{"caller_sub": []byte(c.Sub), "caller_schemas": []byte("{}"), "caller_tables": []byte("{}")}
	if len(c.Claims) > 0 {
		own["caller_claims"] = c.Claims
	}
	if c.Role != nil {
		own["caller_role"] = []byte(c.Role.Name)
		own["caller_schemas"] = pgtext.Array(c.Role.Schemas)
		own["caller_tables"] = nil
		if tables := c.Role.QualifiedTables(); tables != nil {
			own["caller_tables"] = pgtext.Array(tables)
		}
	}
	return own
}

// identity is what the transaction of a call carries; nil where authentication is off.
func identity(ctx context.Context) *postgres.SessionIdentity {
	c, on := guard.CallerFrom(ctx)
	if !on {
		return nil
	}
	return c.Identity()
}

// permittedSchemas and permittedTables are the schemas and tables of a role, as PostgreSQL arrays; nil means all.
func permittedSchemas(role *guard.Role) []byte {
	if role == nil {
		return nil
	}
	return pgtext.Array(role.Schemas)
}

func permittedTables(role *guard.Role) []byte {
	if role == nil || role.AllTables {
		return nil
	}
	return pgtext.Array(role.QualifiedTables())
}

// withRole makes limits smaller where the caller's role has smaller ones.
func (l rowLimits) withRole(ctx context.Context) rowLimits {
	if role, _ := roleOf(ctx); role != nil {
		l.rows, l.bytes = least(l.rows, role.Limits.Rows), least(l.bytes, role.Limits.Bytes)
	}
	return l
}

// roleTimeout is the caller's time limit, or the given one where that is smaller; zero is none.
func roleTimeout(ctx context.Context, d time.Duration) time.Duration {
	if role, _ := roleOf(ctx); role != nil {
		return least(d, role.Limits.Timeout)
	}
	return d
}

// least is the smaller of two limits; zero means no limit.
func least[N int | time.Duration](a, b N) N {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// StatusFor is what server_info tells the caller without asking the database: nothing of tools that it may not call.
func (r *Registry) StatusFor(ctx context.Context) ServerInfo {
	info := r.status()
	role, on := roleOf(ctx)
	if !on {
		return info
	}
	info.Tools, info.Toolsets, info.Unavailable, info.ReloadError = r.NamesFor(ctx), []string{}, nil, ""
	for _, name := range info.Tools {
		if t, ok := r.tool(name); ok && t.def.Toolset != "" && !slices.Contains(info.Toolsets, t.def.Toolset) {
			info.Toolsets = append(info.Toolsets, t.def.Toolset)
		}
	}
	slices.Sort(info.Toolsets)
	info.Degraded = slices.DeleteFunc(info.Degraded, func(t Trouble) bool { return !slices.Contains(info.Tools, t.Tool) })
	for i := range info.Degraded {
		info.Degraded[i].Reason = "it no longer fits the database; the server's log says why"
	}
	if role != nil {
		l := rowLimits{rows: info.Limits.Rows, bytes: info.Limits.Bytes}.withRole(ctx)
		info.Limits.Rows, info.Limits.Bytes = l.rows, l.bytes
		info.Limits.TimeoutMS = roleTimeout(ctx, r.config.Timeout).Milliseconds()
	}
	return info
}

// routing runs a call on the connections of the caller's role: those of its own login, where it has one.
type routing struct {
	shared Database
	tracer *observe.Tracer
	own    atomic.Pointer[map[string]Database] // by Role.Connection
}

// Run implements Database. A role whose connections are not there is refused: those of others may have more rights.
func (d *routing) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	db, c := d.shared, guard.InTurn(ctx, c)
	c.Timeout = roleTimeout(ctx, c.Timeout) // of the questions about a statement, too
	if role, _ := roleOf(ctx); role != nil && role.Connection != "" {
		own, ok := (*d.own.Load())[role.Connection]
		if !ok {
			return postgres.Outcome{}, fmt.Errorf("role %s has no connection %s", role.Name, role.Connection)
		}
		db = own
	}
	ctx, application, end := d.tracer.Statement(ctx)
	c.Application = application
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

// tracedGuard makes a span of each decision.
type tracedGuard struct {
	*guard.Guard
	tracer *observe.Tracer
}

// Authorize is guard.Guard.Authorize.
func (g *tracedGuard) Authorize(ctx context.Context, sql string) (*guard.Permit, error) {
	ctx, end := g.tracer.Span(ctx, "guard")
	p, err := g.Guard.Authorize(ctx, sql)
	end(codeOf(err))
	return p, err
}

// AuthorizeTool is guard.Guard.AuthorizeTool.
func (g *tracedGuard) AuthorizeTool(ctx context.Context, t *catalog.Tool, sql string) (*guard.Permit, error) {
	ctx, end := g.tracer.Span(ctx, "guard")
	p, err := g.Guard.AuthorizeTool(ctx, t, sql)
	end(codeOf(err))
	return p, err
}

// codeOf is the code of an error, for a span; empty for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := userMessage(err, ""); ok {
		return e.Code
	}
	return codeInternal
}
