// Package guard decides what a caller may do: who has which role (permissions.yaml), and whether a statement is allowed, for a
// role and in read-only mode. It asks the database what the names of the statement stand for and what those use, decides by
// lists that are data, and remembers its decisions for a while.
package guard

import (
	"context"
	"encoding/json"
	"time"

	"mcp-postgres/internal/postgres"
)

// Caller is who makes a call, by a verified token. Without a Role nothing is allowed.
type Caller struct {
	Sub    string
	Claims json.RawMessage
	Role   *Role
	Until  time.Time // the token is accepted
}

type callerKey struct{}

// WithCaller puts the caller into the context of a call. A nil caller may do nothing.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	if c == nil {
		c = &Caller{}
	}
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom gives the caller; ok is false where authentication is off.
func CallerFrom(ctx context.Context) (c *Caller, ok bool) {
	c, ok = ctx.Value(callerKey{}).(*Caller)
	return c, ok
}

// Identity is what the transaction of a call carries of the caller.
func (c *Caller) Identity() *postgres.Identity {
	id := &postgres.Identity{Claims: string(c.Claims), Sub: c.Sub}
	if c.Role != nil {
		id.SearchPath, id.Role, id.DatabaseRole = c.Role.SearchPath(), c.Role.Name, c.Role.DatabaseRole
	}
	return id
}

// sessionPath is the part of an identity that the bodies of functions see; nil is the login's search path.
func sessionPath(id *postgres.Identity) *postgres.Identity {
	if id == nil {
		return nil
	}
	return &postgres.Identity{SearchPath: id.SearchPath}
}
