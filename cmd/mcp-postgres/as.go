package main

import (
	"context"
	"encoding/json"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// undone is a database on which nothing that a call writes stays. The calls are those of one tool, made by a caller of its
// tests.
type undone struct {
	*postgres.DB
	tool *catalog.Tool
	as   *catalog.As // nil is nobody
}

// Run implements registry.Database.
func (u *undone) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	c.Rollback = true
	if u.as != nil {
		c.Identity = &postgres.Identity{Sub: u.as.Sub, Role: u.as.Role, Claims: string(u.claims())}
		c.Args = slices.Clone(c.Args)
		for i, name := range u.argsOf(c.SQL) {
			if v, ok := u.values()[name]; ok && i < len(c.Args) {
				c.Args[i] = v
			}
		}
	}
	return u.DB.Run(ctx, c, sink)
}

// claims are those of the test with its sub, as a token has them.
func (u *undone) claims() json.RawMessage {
	claims := map[string]any{}
	if object, ok := decoded(u.as.Claims).(map[string]any); ok {
		claims = object
	}
	if _, ok := claims["sub"]; !ok && u.as.Sub != "" {
		claims["sub"] = u.as.Sub
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}

// values are what the server binds from the identity of a caller.
func (u *undone) values() map[string][]byte {
	values := map[string][]byte{"caller_claims": u.claims()}
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
