// Package guard decides what a caller may do: who has which role (permissions.yaml), and whether a statement is allowed,
// for a role and in read-only mode. It has no database: the registry tells it what stands behind the names of a statement.
package guard

import (
	"context"
	"encoding/json"
	"time"
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
