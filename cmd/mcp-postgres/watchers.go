package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/serve"
	"mcp-postgres/internal/telemetry"
	"mcp-postgres/registry"
)

// watchers are told what the server does. The zero value is nobody.
type watchers struct {
	metrics *telemetry.Metrics
	tracer  *telemetry.Tracer
	// calls are told of each call.
	calls []func(context.Context, *registry.Record)
}

// newLogger writes to w as the settings say.
func newLogger(c *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level()}
	if c.LogFormat == "json" {
		options.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration { // 5.183s, as in the other format
				a.Value = slog.StringValue(a.Value.Duration().String())
			}
			return a
		}
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// showsMetrics reports whether /metrics is served. By default it is where only this machine can ask.
func showsMetrics(c *config.Config) bool {
	return c.Transport != "stdio" && (c.Metrics == "on" || c.Metrics == "auto" && serve.IsLoopback(c.Host))
}

// newWatchers starts what the settings ask for; close ends it.
func newWatchers(ctx context.Context, c *config.Config, pools func() map[string]telemetry.Pool, log *slog.Logger) (w watchers, err error) {
	if w.tracer, err = telemetry.NewTracer(ctx, version(), log); err != nil {
		return w, err
	}
	if w.tracer != nil {
		w.calls = append(w.calls, func(ctx context.Context, r *registry.Record) { w.tracer.Call(ctx, measured(r)) })
	}
	if showsMetrics(c) {
		w.metrics = telemetry.NewMetrics(version(), pools)
		w.calls = append(w.calls, func(_ context.Context, r *registry.Record) { w.metrics.Call(measured(r)) })
	}
	return w, nil
}

func (w *watchers) close() { w.tracer.Close() }

func measured(r *registry.Record) telemetry.Call {
	return telemetry.Call{Tool: r.Tool, Code: r.Outcome, Duration: r.Duration, Rows: r.Rows, Bytes: r.Bytes}
}

// observe is nil where nobody listens.
func (w *watchers) observe() func(context.Context, *registry.Record) {
	if len(w.calls) == 0 {
		return nil
	}
	return func(ctx context.Context, r *registry.Record) {
		for _, tell := range w.calls {
			tell(ctx, r)
		}
	}
}

// fetched is told of each fetch of keys.
func (w *watchers) fetched(err error) {
	if w.metrics != nil {
		w.metrics.KeyFetch(err)
	}
}

// reloaded is told of each reading of the tool files.
func (w *watchers) reloaded(err error) {
	if w.metrics != nil {
		w.metrics.Reload(err)
	}
}

// reread is told of each reading of the permissions.
func (w *watchers) reread(err error) {
	if w.metrics != nil {
		w.metrics.PermissionsReload(err)
	}
}

// refused is told of what the transport refuses.
func (w *watchers) refused(answer http.ResponseWriter, reason string) {
	if w.metrics != nil {
		w.metrics.Refused(answer, reason)
	}
}

// pools are the connections by whom they belong to: the server, or a role.
func (a *app) pools() map[string]telemetry.Pool {
	all := map[string]telemetry.Pool{"shared": telemetry.Pool(a.db.Stats())}
	rules := a.access.rules.Load()
	if rules == nil {
		return all
	}
	a.access.mu.Lock()
	defer a.access.mu.Unlock()
	for _, role := range rules.Roles {
		if db := a.access.logins[role.Connection]; db != nil {
			all["role "+role.Name] = telemetry.Pool(db.Stats())
		}
	}
	return all
}

// watch adds to what is served over HTTP.
func (w *watchers) watch(h *serve.HTTPConfig) {
	if w.metrics != nil {
		if h.Open == nil {
			h.Open = map[string]http.Handler{}
		}
		h.Open["GET /metrics"] = w.metrics.Handler()
	}
	h.Wrap = func(next http.Handler) http.Handler {
		next = w.tracer.Requests(next)
		if w.metrics != nil {
			next = w.metrics.Requests(next)
		}
		return next
	}
}

// call makes a span of each call of a tool.
func (w *watchers) call(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	if w.tracer == nil {
		return next
	}
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, end := w.tracer.Request(ctx, string(mcp.MethodToolsCall), req.Params.Name, metaFields(req.Params.Meta))
		defer end()
		return next(ctx, req)
	}
}

// options make a span of each other request that works on the database.
func (w *watchers) options() []server.ServerOption {
	if w.tracer == nil {
		return nil
	}
	return []server.ServerOption{
		server.WithResourceHandlerMiddleware(func(next server.ResourceHandlerFunc) server.ResourceHandlerFunc {
			return func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				ctx, end := w.tracer.Request(ctx, string(mcp.MethodResourcesRead), "", metaFields(req.Params.Meta))
				defer end()
				return next(ctx, req)
			}
		}),
	}
}

func metaFields(m *mcp.Meta) map[string]any {
	if m == nil {
		return nil
	}
	return m.AdditionalFields
}

// database makes a span of each statement, and names its trace to the database.
func (w *watchers) database(db registry.Database) registry.Database {
	if w.tracer == nil {
		return db
	}
	return tracedDB{db, w.tracer}
}

type tracedDB struct {
	registry.Database
	tracer *telemetry.Tracer
}

// Run implements registry.Database.
func (d tracedDB) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	ctx, end := d.tracer.Span(ctx, "query")
	if id := telemetry.TraceID(ctx); id != "" {
		c.Application = "mcp-postgres trace=" + id
	}
	out, err := d.Database.Run(ctx, c, sink)
	var refused *postgres.Error
	switch {
	case errors.As(err, &refused):
		end(refused.Code)
	case err != nil:
		end("error")
	default:
		end("")
	}
	return out, err
}
