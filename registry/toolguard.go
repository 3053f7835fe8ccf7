package registry

import (
	"context"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// tracedGuard makes a span of each decision.
type tracedGuard struct {
	*guard.Guard
	tracer *observe.Tracer
}

// Authorize is guard.Guard.Authorize.
func (g *tracedGuard) Authorize(ctx context.Context, sql string) (p *guard.Permit, err error) {
	if g.tracer == nil {
		return g.Guard.Authorize(ctx, sql)
	}
	ctx, end := g.tracer.Span(ctx, "guard")
	defer func() { end(codeOf(err)) }()
	return g.Guard.Authorize(ctx, sql)
}

// AuthorizeTool is guard.Guard.AuthorizeTool.
func (g *tracedGuard) AuthorizeTool(ctx context.Context, t *catalog.Tool, sql string) (p *guard.Permit, err error) {
	if g.tracer == nil {
		return g.Guard.AuthorizeTool(ctx, t, sql)
	}
	ctx, end := g.tracer.Span(ctx, "guard")
	defer func() { end(codeOf(err)) }()
	return g.Guard.AuthorizeTool(ctx, t, sql)
}

// codeOf is the code of an error, for a span; empty for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := userMessage(err, ""); ok {
		return e.Code
	}
	return CodeInternal
}

// run runs a statement that is allowed.
func (h *sqlTool) run(ctx context.Context, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	p, err := h.guard.AuthorizeTool(ctx, h.tool, call.SQL)
	if err != nil {
		return postgres.Outcome{}, err
	}
	var out postgres.Outcome
	p, err = h.guard.Run(ctx, p, func(p *guard.Permit) (err error) {
		call.Verify = p.Verify
		out, err = h.db.Run(ctx, call, sink)
		return err
	})
	return out, p.Redact(err)
}

// asDescribed reports whether the tool's names mean to a call what they meant when the database described the tool: those of
// a role's search path or login are other ones, and say nothing about the tool.
func (h *sqlTool) asDescribed(ctx context.Context) bool {
	role, on := roleOf(ctx)
	return !on || h.keepsPath() && (role == nil || role.Connection == "")
}

// keepsPath reports whether the tool runs with the search path of the login, whoever calls: what its owner vouches for. The
// tools that come with the server take the schemas of the role as the ones to begin with, but for what an extension has.
func (h *sqlTool) keepsPath() bool {
	return h.tool.Trust == catalog.TrustOwner && (h.tool.Source != "" || len(h.tool.Requires.Extensions) > 0)
}

// leaves reports whether a statement of an operator's tool may leave something in the session for the next caller: a setting,
// a lock. A write may do so by a trigger, a read by a function that is not known to do nothing.
func (h *sqlTool) leaves(st catalog.Statement) bool {
	if h.tool.Source == "" {
		return false
	}
	analysis := st.Analysis
	if analysis == nil { // a page is the statement of the tool, wrapped
		analysis = h.tool.Statement.Analysis
	}
	return h.tool.Access == catalog.Write || analysis == nil ||
		slices.ContainsFunc(analysis.Functions, func(f sqlscan.Object) bool { return !guard.OwnFunction(f.Name, nil) })
}
