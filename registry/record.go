package registry

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// Record says of one call what an audit and metrics want to know.
type Record struct {
	Time time.Time
	Call string // id, as in the log
	Sub  string // empty where authentication is off
	Role string
	// Method is tools/call, or resources/read or completion/complete, which make calls of tools; Resource is the URI that is read.
	Method   string
	Resource string
	Tool     string
	Toolset  string
	Outcome  string // ok, or the code of the error: a SQLSTATE, forbidden, read_only, invalid_arguments, no_database and so on
	Rule     string // which rule of the guard refused the statement
	Duration time.Duration
	Rows     int
	Bytes    int // of the answer's text
	// Relations are those that the statement names, as far as the guard looked at it.
	Relations []string
	// SQL is what ran: the caller's own, or the tool's with $1 for its parameters. Arguments are as they came.
	SQL       string
	Arguments json.RawMessage

	// wrote says that something may have been committed.
	wrote bool
}

// cameBy notes by which method a call comes that is none of tools/call.
func cameBy(ctx context.Context, method mcp.MCPMethod, uri string) context.Context {
	return withRecord(ctx, &Record{Method: string(method), Resource: uri})
}

type recordKey struct{}

// withRecord gives the handlers a record to fill in.
func withRecord(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

// recordFrom is never nil.
func recordFrom(ctx context.Context) *Record {
	if r, ok := ctx.Value(recordKey{}).(*Record); ok {
		return r
	}
	return &Record{}
}
