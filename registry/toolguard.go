package registry

import (
	"context"
	"errors"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/policy"
	"mcp-postgres/internal/postgres"
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

// allowed reports whether the tool's statement would be run for the caller, as far as the database can tell now.
func (h *sqlTool) allowed(ctx context.Context) bool {
	_, err := h.check(ctx, h.tool.Statement.SQL)
	var refused *callError
	return !errors.As(err, &refused) || refused.Code != policy.Forbidden && refused.Code != policy.ReadOnly
}

// run runs a statement that is allowed.
func (h *sqlTool) run(ctx context.Context, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	p, err := h.check(ctx, call.SQL)
	if err != nil {
		return postgres.Outcome{}, err
	}
	var out postgres.Outcome
	_, err = h.guard.run(ctx, call.SQL, p, func(p *Plan) (err error) {
		call.Verify = p.Verify
		out, err = h.db.Run(ctx, call, sink)
		return err
	})
	return out, err
}
