package tooltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// rollbackDB is a database that rolls back what a call writes. Where there are no permissions it also binds who calls.
type rollbackDB struct {
	registry.Database
	tool *catalog.Tool
	as   *catalog.As // nil is nobody
}

// Run implements registry.Database.
func (r *rollbackDB) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	c.Rollback = true
	if r.as != nil {
		c.Identity = &postgres.SessionIdentity{KeepPath: true, Sub: r.as.Sub, Role: r.as.Role, Claims: string(claims(r.as))}
		c.Args = slices.Clone(c.Args)
		values := callerArgs(r.as)
		for i, name := range r.argsOf(c.SQL) {
			if v, ok := values[name]; ok && i < len(c.Args) {
				c.Args[i] = v
			}
		}
	}
	return r.Database.Run(ctx, c, sink)
}

// argsOf names the arguments of one of the tool's statements.
func (r *rollbackDB) argsOf(sql string) []string {
	all := []catalog.Statement{r.tool.Statement}
	if p := r.tool.Page; p != nil {
		all = append(all, p.First, p.Next)
	}
	if n := r.tool.NotFound; n != nil {
		all = append(all, n.When, n.Suggest)
	}
	i := slices.IndexFunc(all, func(st catalog.Statement) bool { return st.SQL == sql })
	if i < 0 {
		return nil
	}
	return all[i].Args
}

// callerArgs are the values that the server binds from the identity of a caller.
func callerArgs(as *catalog.As) map[string][]byte {
	values := map[string][]byte{"caller_claims": claims(as)}
	for name, v := range map[string]string{"caller_sub": as.Sub, "caller_role": as.Role} {
		if v != "" {
			values[name] = []byte(v)
		}
	}
	return values
}

// withCaller puts the caller of a test into the context, with a role of the permissions.
func withCaller(ctx context.Context, rules *guard.Rules, as *catalog.As) (context.Context, error) {
	caller := &guard.Caller{Sub: as.Sub, Claims: claims(as), Role: rules.Role(as.Role)}
	if as.Role != "" && caller.Role == nil {
		var names []string
		for _, r := range rules.Roles {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("as: the permissions have no role %q%s", as.Role, faults.DidYouMean(as.Role, names))
	}
	if as.Role == "" {
		var err error
		if caller, err = rules.Caller(as.Sub, caller.Claims); err != nil {
			return nil, fmt.Errorf("as: %w", err)
		}
	}
	return guard.WithCaller(ctx, caller), nil
}

// claims are those of the test, with its sub as a token has it.
func claims(as *catalog.As) json.RawMessage {
	all, ok := decoded(as.Claims).(map[string]any)
	if !ok {
		all = map[string]any{}
	}
	if _, ok := all["sub"]; !ok && as.Sub != "" {
		all["sub"] = as.Sub
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}
