// Package guard decides what a caller may do: who has which role (permissions.yaml), and whether a statement is
// allowed, for a role and in read-only mode. It asks the database what the names of the statement stand for and what
// those use, decides by lists that are data, and remembers its decisions for a while.
package guard

import (
	"cmp"
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

type callKey struct{}

// call is the one value in the context of a call: who makes it, where authentication is on, and its turn.
type call struct {
	caller *Caller
	turn   postgres.Turn
	tool   string
}

func callFrom(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// WithCaller puts the caller into the context of a call. A nil caller may do nothing.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	own := callFrom(ctx)
	own.caller = cmp.Or(c, &Caller{})
	return context.WithValue(ctx, callKey{}, own)
}

// CallerFrom gives the caller; ok is false where authentication is off.
func CallerFrom(ctx context.Context) (c *Caller, ok bool) {
	c = callFrom(ctx).caller
	return c, c != nil
}

// InDatabase gives the caller in ctx the role that it has in a database of several. main says that it is the default
// one. ok is false for a caller that may do nothing there.
func InDatabase(ctx context.Context, database string, main bool) (_ context.Context, ok bool) {
	caller, authenticated := CallerFrom(ctx)
	if !authenticated {
		return ctx, true
	}
	own := *caller
	own.Role = caller.Role.In(database, main)
	return WithCaller(ctx, &own), own.Role != nil
}

// WithTurn puts the turn of a call into its context. tool names what is called, for the log.
func WithTurn(ctx context.Context, turn postgres.Turn, tool string) context.Context {
	own := callFrom(ctx)
	own.turn, own.tool = turn, tool
	return context.WithValue(ctx, callKey{}, own)
}

// InTurn gives a call for the database the turn in its context.
func InTurn(ctx context.Context, c postgres.Call) postgres.Call {
	own := callFrom(ctx)
	c.Turn, c.Tool = own.turn, own.tool
	return c
}

// Identity is what the transaction of a call carries of the caller.
func (c *Caller) Identity() *postgres.SessionIdentity {
	id := &postgres.SessionIdentity{Claims: string(c.Claims), Sub: c.Sub}
	if c.Role != nil {
		id.SearchPath, id.Role, id.DatabaseRole = c.Role.SearchPath(), c.Role.Name, c.Role.DatabaseRole
	}
	return id
}

// sessionPath is the part of an identity that the bodies of functions see; nil is the login's search path.
func sessionPath(id *postgres.SessionIdentity) *postgres.SessionIdentity {
	if id == nil {
		return nil
	}
	return &postgres.SessionIdentity{SearchPath: id.SearchPath}
}
