// Package observe tells the operator what the server does. The record of a call becomes a line of the audit, numbers
// for Prometheus and attributes of a span for OpenTelemetry.
package observe

import (
	"context"
	"io"
	"log/slog"
)

// Observer takes the record of each call. Its zero value does nothing with it.
type Observer struct {
	Audit   *Audit
	Metrics *Metrics
	Tracer  *Tracer
}

// Call takes the record of a call that has been answered.
func (o *Observer) Call(ctx context.Context, r *Record) {
	o.Tracer.call(ctx, r)
	o.Metrics.call(r)
	o.Audit.call(r)
}

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
