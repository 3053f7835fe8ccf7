package registry

import (
	"context"
	"errors"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// check decides on one of the tool's statements. The SQL of a caller tool is held against the caller's role. That of an owner
// tool is vouched for, and must only keep read-only mode; what comes with the server does.
func (h *sqlTool) check(ctx context.Context, sql string) (*Plan, error) {
	switch {
	case h.tool.Trust == catalog.TrustCaller:
		return h.guard.Check(ctx, sql)
	case h.guard.readOnly && h.tool.Source != "":
		return h.guard.check(ctx, sql, &Plan{DB: h.db})
	}
	return &Plan{}, nil
}

// allowed reports whether all of the tool's statements would be run for the caller, as far as the database can tell now.
func (h *sqlTool) allowed(ctx context.Context) bool {
	return !slices.ContainsFunc(statementsOf(h.tool), func(sql string) bool { return !h.allows(ctx, sql) })
}

// statementsOf are the SQL of a tool.
func statementsOf(t *catalog.Tool) []string {
	all := []string{t.Statement.SQL}
	if nf := t.NotFound; nf != nil {
		all = append(all, nf.When.SQL, nf.Suggest.SQL)
	}
	return slices.DeleteFunc(all, func(sql string) bool { return sql == "" })
}

func (h *sqlTool) allows(ctx context.Context, sql string) bool {
	_, err := h.check(ctx, sql)
	var refused *callError
	switch {
	case err == nil:
		return true
	case errors.As(err, &refused):
		return refused.Code != guard.Forbidden && refused.Code != guard.ReadOnly
	case h.tool.Trust == catalog.TrustCaller:
		role, _ := roleOf(ctx)
		return h.guard.byNames(sql, role)
	}
	return true
}

// run runs a statement that is allowed.
func (h *sqlTool) run(ctx context.Context, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	p, err := h.check(ctx, call.SQL)
	if err != nil {
		return postgres.Outcome{}, err
	}
	var out postgres.Outcome
	p, err = h.guard.run(ctx, call.SQL, p, func(p *Plan) (err error) {
		call.Verify = p.Verify
		out, err = h.db.Run(ctx, call, sink)
		return err
	})
	return out, p.discreet(err)
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
