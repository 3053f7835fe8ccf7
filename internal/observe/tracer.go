package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"mcp-postgres/internal/postgres"
)

// Tracer makes spans and exports them. A nil one makes none and costs nothing.
type Tracer struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

// wanted reports whether OpenTelemetry's standard variables ask for traces.
func wanted() bool {
	off, err := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED"))
	if err == nil && off || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// NewTracer makes a Tracer that exports by OTLP over HTTP, as OpenTelemetry's standard variables say; nil where none
// of them names an endpoint. Close ends it.
func NewTracer(ctx context.Context, version string, log *slog.Logger) (*Tracer, error) {
	if !wanted() {
		return nil, nil
	}
	otel.SetLogger(logr.FromSlogHandler(log.Handler())) // else its lines go around ours
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting traces: %w", err)
	}
	own := resource.WithAttributes(attribute.String("service.name", "mcp-postgres"),
		attribute.String("service.version", version))
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), own, resource.WithFromEnv())
	if err != nil {
		return nil, errors.New("starting traces: OTEL_RESOURCE_ATTRIBUTES is not understood: want name=value,name=value")
	}
	p := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	return &Tracer{provider: p, tracer: p.Tracer("mcp-postgres", api.WithInstrumentationVersion(version))}, nil
}

// closeTime bounds how long the last spans may take to be exported.
const closeTime = 2 * time.Second

// Close exports what is left.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

var w3c propagation.TraceContext

// Requests continues the trace that a request names in its header traceparent.
func (t *Tracer) Requests(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))))
	})
}

// metaCarrier reads the context of a trace from _meta of a message.
type metaCarrier map[string]any

func (m metaCarrier) Get(key string) string { s, _ := m[key].(string); return s }
func (m metaCarrier) Set(string, string)    {}
func (m metaCarrier) Keys() []string        { return []string{"traceparent", "tracestate"} }

// Request begins the span of a message: method, and the tool or resource that it is about. The trace is that of _meta's
// traceparent, else the one in ctx. end must be called.
func (t *Tracer) Request(
	ctx context.Context, method, tool string, meta map[string]any) (_ context.Context, end func()) {
	if t == nil {
		return ctx, func() {}
	}
	name := method
	attributes := []attribute.KeyValue{attribute.String("mcp.method.name", method)}
	if tool != "" {
		name += " " + tool
		attributes = append(attributes, attribute.String("gen_ai.tool.name", tool))
	}
	options := []api.SpanStartOption{api.WithSpanKind(api.SpanKindServer), api.WithAttributes(attributes...)}
	if own := w3c.Extract(context.Background(), metaCarrier(meta)); api.SpanContextFromContext(own).IsValid() {
		if around := api.SpanContextFromContext(ctx); around.IsValid() {
			options = append(options, api.WithLinks(api.Link{SpanContext: around}))
		}
		ctx = api.ContextWithRemoteSpanContext(ctx, api.SpanContextFromContext(own))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	return ctx, func() { span.End() }
}

// Span begins a span within a request; without one there is none. end must be called, with the code of the error.
func (t *Tracer) Span(ctx context.Context, name string) (_ context.Context, end func(code string)) {
	if t == nil || !api.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, func(code string) {
		fail(span, code)
		span.End()
	}
}

// call adds to the span of a request what the call came to.
func (t *Tracer) call(ctx context.Context, c *Record) {
	span := api.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("mcp_postgres.outcome", c.Outcome), attribute.Int("mcp_postgres.rows", c.Rows),
		attribute.Int("mcp_postgres.answer_bytes", c.Bytes))
	if c.Database != "" {
		span.SetAttributes(attribute.String("mcp_postgres.database", c.Database))
	}
	if c.Outcome != "ok" {
		fail(span, c.Outcome)
	}
}

// Statement begins the span of a statement. application is the name by which the database learns of the trace; it is
// empty without one. end must be called, with the error of the statement.
func (t *Tracer) Statement(ctx context.Context) (_ context.Context, application string, end func(error)) {
	if t == nil {
		return ctx, "", func(error) {}
	}
	ctx, done := t.Span(ctx, "query")
	if id := traceID(ctx); id != "" {
		application = "mcp-postgres trace=" + id
	}
	return ctx, application, func(err error) {
		var refused *postgres.Error
		switch {
		case errors.As(err, &refused):
			done(refused.Code)
		case err != nil:
			done("error")
		default:
			done("")
		}
	}
}

func fail(span api.Span, code string) {
	if code != "" {
		span.SetAttributes(attribute.String("error.type", code))
		span.SetStatus(codes.Error, code)
	}
}

// traceID is the id of the trace in ctx, if it is one that is exported.
func traceID(ctx context.Context) string {
	if s := api.SpanContextFromContext(ctx); s.IsSampled() && s.HasTraceID() {
		return s.TraceID().String()
	}
	return ""
}

// Logs adds the id of the trace to the lines that belong to one.
func (t *Tracer) Logs(h slog.Handler) slog.Handler {
	if t == nil {
		return h
	}
	return traced{h}
}

type traced struct{ slog.Handler }

// Handle implements slog.Handler.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if id := traceID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h traced) WithAttrs(a []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
