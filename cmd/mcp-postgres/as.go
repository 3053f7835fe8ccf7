package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// undone is a database on which nothing that a call writes stays.
type undone struct {
	registry.Database
	tool *catalog.Tool
	as   *catalog.As // who calls where there are no permissions; nil is nobody
}

// Run implements registry.Database.
func (u *undone) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	c.Rollback = true
	if u.as != nil {
		c.Identity = &postgres.Identity{KeepPath: true, Sub: u.as.Sub, Role: u.as.Role, Claims: string(claims(u.as))}
		c.Args = slices.Clone(c.Args)
		for i, name := range u.argsOf(c.SQL) {
			if v, ok := u.values()[name]; ok && i < len(c.Args) {
				c.Args[i] = v
			}
		}
	}
	return u.Database.Run(ctx, c, sink)
}

// withCaller puts the caller of a test into the context, with a role of the permissions.
func withCaller(ctx context.Context, rules *guard.Rules, as *catalog.As) (context.Context, error) {
	caller := &guard.Caller{Sub: as.Sub, Claims: claims(as), Role: rules.Role(as.Role)}
	if as.Role != "" && caller.Role == nil {
		var names []string
		for _, r := range rules.Roles {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("as: the permissions have no role %q%s", as.Role, catalog.DidYouMean(as.Role, names))
	}
	if as.Role == "" {
		var err error
		if caller, err = rules.Caller(as.Sub, caller.Claims); err != nil {
			return nil, fmt.Errorf("as: %w", err)
		}
	}
	return guard.WithCaller(ctx, caller), nil
}

// claims are those of the test with its sub, as a token has them.
func claims(as *catalog.As) json.RawMessage {
	all := map[string]any{}
	if object, ok := decoded(as.Claims).(map[string]any); ok {
		all = object
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

// values are what the server binds from the identity of a caller.
func (u *undone) values() map[string][]byte {
	values := map[string][]byte{"caller_claims": claims(u.as)}
	for name, v := range map[string]string{"caller_sub": u.as.Sub, "caller_role": u.as.Role} {
		if v != "" {
			values[name] = []byte(v)
		}
	}
	return values
}

// argsOf names the arguments of one of the tool's statements.
func (u *undone) argsOf(sql string) []string {
	all := []catalog.Statement{u.tool.Statement}
	if p := u.tool.Page; p != nil {
		all = append(all, p.First, p.Next)
	}
	if n := u.tool.NotFound; n != nil {
		all = append(all, n.When, n.Suggest)
	}
	i := slices.IndexFunc(all, func(st catalog.Statement) bool { return st.SQL == sql })
	if i < 0 {
		return nil
	}
	return all[i].Args
}
