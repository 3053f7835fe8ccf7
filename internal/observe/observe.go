// Package observe tells the operator what the server does. The record of a call becomes a line of the audit, numbers
// for Prometheus and attributes of a span for OpenTelemetry.
package observe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"mcp-postgres/internal/guard"
)

// Observer takes the record of each call. Its zero value does nothing with it.
type Observer struct {
	Audit   *Audit
	Metrics *Metrics
	Tracer  *Tracer
}

// Call takes the record of a call that has been answered.
func (o *Observer) Call(ctx context.Context, r *Record) {
	if o.Tracer != nil {
		o.Tracer.call(ctx, r)
	}
	if o.Metrics != nil {
		o.Metrics.call(r)
	}
	if o.Audit != nil {
		o.Audit.call(r)
	}
}

// Record says of one call of a tool what the operator wants to know: the log, the audit, metrics and spans are views of
// it. Its JSON is what the lines of the audit have alike; an empty member is left out.
type Record struct {
	Time time.Time `json:"time"`
	Call string    `json:"call,omitempty"` // id, as in the log
	Sub  string    `json:"sub,omitempty"`  // empty where authentication is off
	Role string    `json:"role,omitempty"`
	Origin
	Database string `json:"database,omitempty"` // the name of the one of several
	Tool     string `json:"tool"`
	// Outcome is ok, or the code of the error: a SQLSTATE, forbidden, read_only, invalid_arguments, no_database and
	// so on.
	Outcome  string        `json:"-"`
	Rule     string        `json:"rule,omitempty"` // which rule of the guard refused the statement
	Duration time.Duration `json:"-"`
	Rows     int           `json:"rows"`
	DryRun   bool          `json:"dry_run,omitempty"` // it was rolled back at its end, as asked
	Bytes    int           `json:"bytes"`             // of the answer's text
	// Relations are those that the statement names, as far as the guard looked at it.
	Relations []string `json:"relations,omitempty"`
	// SQL is what ran: the caller's own, or the tool's with $1 for its parameters. Arguments are as they came.
	SQL       string          `json:"-"`
	Arguments json.RawMessage `json:"-"`
}

// Origin is the request that a call is made for: tools/call, or one such as resources/read that makes calls of tools.
// Resource is the URI that is read.
type Origin struct {
	Method   string `json:"-"`
	Resource string `json:"resource,omitempty"`
}

// NewRecord begins the record of a call by the caller in ctx.
func NewRecord(ctx context.Context, from Origin, tool string) *Record {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	r := &Record{Time: time.Now(), Call: hex.EncodeToString(id[:]), Origin: from, Tool: tool, Outcome: outcomeOK}
	if c, _ := guard.CallerFrom(ctx); c != nil {
		r.Sub = c.Sub
		if c.Role != nil {
			r.Role = c.Role.Name
		}
	}
	return r
}

// Outcomes of calls. Others are the SQLSTATEs of PostgreSQL, guard.Forbidden and guard.ReadOnly.
const (
	outcomeOK       = "ok"
	NoDatabase      = "no_database"
	CodeArguments   = guard.InvalidArguments
	CodeNotFound    = "not_found"
	CodeTooLarge    = "result_too_large"
	CodeUnavailable = "unavailable"
	CodeInternal    = "internal"
	// CodeUnknownTool is that of a call of a tool that the caller does not have, in reports: the protocol has an error
	// of its own.
	CodeUnknownTool = "unknown_tool"
)

// NewLogger makes a logger that writes lines of text or, with the format json, of JSON.
func NewLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format != "json" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	options.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // 5.183s, as in the other format
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
