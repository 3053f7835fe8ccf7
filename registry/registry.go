// Package registry makes MCP tools of tool files: their JSON schemas, one handler for all, and the tools in code:
// query, server_info, and those for tuning.
//
// The package is a part of the server and no library: its Config has types of internal packages, so that only
// packages of this module can use it, and its API changes with them.
package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
)

// Database runs statements; *postgres.DB is one.
type Database interface {
	Run(context.Context, postgres.Call, postgres.Sink) (postgres.Outcome, error)
	// Stuck are the backends that can't be stopped.
	Stuck() []postgres.Stuck
}

// Config says how tools are offered and run.
type Config struct {
	// DB must be set.
	DB Database
	// RoleDBs are the databases of the roles that have a login of their own, by Role.Connection.
	RoleDBs map[string]Database
	// Observer takes the record of each call once it is answered.
	Observer observe.Observer
	// Without are the names of tools in code, those of BuiltIn, that are not offered.
	Without []string
	// Extra are the tools in code, of those that OnRequest gives, that are offered.
	Extra []Requested
	// Recheck, if set, gets the names of tools that may no longer be what the database described.
	Recheck *Recheck
	// ReadOnly makes query read only and leaves out tools that write.
	ReadOnly bool
	// Timeout is what server_info tells of the statement timeout.
	Timeout time.Duration
	// MaxRows bounds the rows of an answer without pages, MaxBytes the size of its message; zero means 1000 and
	// 1,000,000.
	MaxRows, MaxBytes int
	// MaxCell bounds one value of an answer, in bytes of its text; zero means 64 KiB.
	MaxCell int
	// MaxReply bounds the characters of an answer of query in Markdown; zero means 25,000.
	MaxReply int
	// MaxAffected bounds the rows that one call may change; zero is no bound.
	MaxAffected int
	// MaxSQLBytes bounds the SQL of query; zero means DefaultMaxSQLBytes.
	MaxSQLBytes int
	// Version of the server.
	Version string
	// Name is that of the database among several; else it is empty.
	Name string
	// Logger must be set.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	defaultMaxRows  = 1000
	defaultMaxBytes = 1_000_000
	defaultReply    = 25_000
	defaultCell     = 64 << 10
	bulkCell        = 1 << 10
)

// Registry holds the tools, ready to serve. Replace gives it others while it serves.
type Registry struct {
	config  Config // with its defaults
	log     *slog.Logger
	library *library
	guard   *tracedGuard
	routes  *routing
	set     atomic.Pointer[set]
	notes   notes
	// databases are those that it is one of; nil while nothing is served.
	databases atomic.Pointer[Databases]
}

// handler answers a call whose arguments have been checked.
type handler interface {
	call(context.Context, *call) (*Answer, error)
}

// call is one call of a tool while it runs.
type call struct {
	*observe.Record
	args  map[string]any
	wrote bool // something may have been committed
}

// names notes the relations that a statement names, as far as the guard looked at it.
func (c *call) names(p *guard.Permit) {
	if p.Statement == nil {
		return
	}
	for _, r := range p.Statement.Relations {
		c.Relations = append(c.Relations, r.String())
	}
}

// toolsCall is the origin of the calls that clients make themselves.
var toolsCall = observe.Origin{Method: string(mcp.MethodToolsCall)}

// tool is one entry of the registry.
type tool struct {
	def     *catalog.Tool
	schema  Schema
	params  []catalog.Param
	handler handler
	// degraded says why the tool no longer fits the database; nil for a sound one.
	degraded atomic.Pointer[string]
}

// Build makes a registry that offers a set. An error is a fault of the program or of a schema, not of a database.
func Build(c Config, s Set) (*Registry, error) {
	c.MaxRows, c.MaxBytes = cmp.Or(c.MaxRows, defaultMaxRows), cmp.Or(c.MaxBytes, defaultMaxBytes)
	c.MaxSQLBytes = cmp.Or(c.MaxSQLBytes, defaultMaxSQLBytes)
	routes := &routing{shared: c.DB, tracer: c.Observer.Tracer}
	routes.own.Store(&c.RoleDBs)
	c.DB = routes
	r := &Registry{config: c, routes: routes, log: c.Logger,
		guard: &tracedGuard{guard.New(guard.Config{DB: c.DB, ReadOnly: c.ReadOnly}), c.Observer.Tracer}}
	var err error
	if r.library, err = r.newLibrary(&c, r.limits()); err != nil {
		return nil, err
	}
	return r, r.Replace(s)
}

func (r *Registry) limits() rowLimits {
	return rowLimits{rows: r.config.MaxRows, bytes: r.config.MaxBytes, cell: cmp.Or(r.config.MaxCell, defaultCell),
		bulk:  bulkCell,
		reply: cmp.Or(r.config.MaxReply, defaultReply)}
}

func newTool(def *catalog.Tool, output json.RawMessage, h handler) (*tool, error) {
	input, err := json.Marshal(InputSchema(def))
	if err != nil {
		return nil, fmt.Errorf("writing the input schema of %s: %w", def.Name, err)
	}
	return &tool{def: def, schema: Schema{Input: input, Output: output}, params: def.Arguments(), handler: h}, nil
}

// Names are the names of the tools, sorted.
func (r *Registry) Names() []string { return r.set.Load().info.Tools }

func (r *Registry) tool(name string) (t *tool, ok bool) {
	t, ok = r.set.Load().byName[name]
	return t, ok
}

// Tool gives the definition and the schemas of one tool; ok is false for an unknown name.
func (r *Registry) Tool(name string) (def *catalog.Tool, s Schema, ok bool) {
	t, ok := r.tool(name)
	if !ok {
		return nil, Schema{}, false
	}
	return t.def, t.schema, true
}

// Call does what tools/call does. The error is only ever an unknown tool.
func (r *Registry) Call(ctx context.Context, name string, args json.RawMessage) (*Answer, error) {
	t, ok := r.toolFor(ctx, name)
	if !ok {
		r.config.Observer.Audit.UnknownTool(ctx, name)
		return nil, errors.New(r.unknownTool(ctx, name))
	}
	answer, _ := r.run(ctx, toolsCall, t, args)
	return answer, nil
}

// unknownTool says that there is no such tool for the caller, and which may have been meant.
func (r *Registry) unknownTool(ctx context.Context, name string) string {
	return unknownTool(name, r.NamesFor(ctx))
}

func unknownTool(name string, known []string) string {
	return fmt.Sprintf("unknown tool %.100q%s", name, faults.DidYouMean(name, known))
}

// NamesFor are the names of the tools that the caller may call, sorted.
func (r *Registry) NamesFor(ctx context.Context) []string {
	var names []string
	for _, t := range r.offered(ctx, r.set.Load().tools...) {
		names = append(names, t.def.Name)
	}
	return names
}

// Offered reports whether there is a tool of that name that the caller may call.
func (r *Registry) Offered(ctx context.Context, name string) bool {
	_, ok := r.toolFor(ctx, name)
	return ok
}

// toolFor is tool for the caller.
func (r *Registry) toolFor(ctx context.Context, name string) (t *tool, ok bool) {
	t, ok = r.tool(name)
	return t, ok && len(r.offered(ctx, t)) == 1
}

// offered are those of the tools that the caller may call, in their order. The database is asked about all of them at
// once.
func (r *Registry) offered(ctx context.Context, tools ...*tool) []*tool {
	var may []*tool
	var files []*catalog.Tool
	for _, t := range tools {
		if mayCall(ctx, t.def) {
			may = append(may, t)
			if _, ok := t.handler.(*sqlTool); ok {
				files = append(files, t.def)
			}
		}
	}
	allowed := r.guard.Offered(ctx, files)
	return slices.DeleteFunc(may, func(t *tool) bool {
		return slices.Contains(files, t.def) && !slices.Contains(allowed, t.def)
	})
}

// run answers one call. Whatever happens becomes a result: an error or a panic of a handler would reach the client as
// it is.
func (r *Registry) run(ctx context.Context, from observe.Origin, t *tool,
	raw json.RawMessage) (answer *Answer, rec *observe.Record) {
	c := &call{Record: observe.NewRecord(ctx, from, t.def.Name)}
	c.Database = r.config.Name
	c.SQL, c.Arguments = t.def.Statement.SQL, raw
	defer func() {
		if p := recover(); p != nil {
			r.logOf(c.Record).ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
			answer = ErrorAnswer(c.panicked())
		}
		r.done(ctx, c.Record, answer)
	}()
	if limit := roleTimeout(ctx, r.config.Timeout); limit > 0 { // one for the check of a statement and its run
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit+postgres.Grace)
		defer cancel()
	}
	var err error
	if c.args, err = takeArguments(t.params, raw); err == nil {
		answer, err = t.handler.call(ctx, c)
	}
	r.markDegraded(ctx, t, err)
	if err != nil {
		answer = r.failed(ctx, t, err, c)
	} else if answer.Notice {
		c.Outcome = observe.NoDatabase
	}
	return answer, c.Record
}

// panicked is the error of a call that made the program panic.
func (c *call) panicked() *Error {
	e := internalError(c.Call)
	if c.wrote {
		e.Message += ": what the call changed, if anything, may have been committed"
		e.Hint = "look at the data before trying again"
	}
	c.Outcome = codeInternal
	return e
}

// failed is the answer to a call that ended with an error.
func (r *Registry) failed(ctx context.Context, t *tool, err error, c *call) *Answer {
	sql := ""
	if t.def.Name == queryName {
		sql, _ = c.args["sql"].(string)
	}
	e := r.errorFor(ctx, t, err, sql, c.Record)
	if c.Resource != "" {
		e.Line, e.Column = 0, 0 // in SQL that the caller did not write
	}
	c.Outcome, c.Rule = e.Code, e.rule
	return ErrorAnswer(e)
}

// errorFor is an error as the caller may read it; the log has the rest.
func (r *Registry) errorFor(ctx context.Context, t *tool, err error, sql string, rec *observe.Record) *Error {
	e, ok := userMessage(err, sql)
	if !ok {
		r.logOf(rec).ErrorContext(ctx, "internal error", "error", err)
		e = internalError(rec.Call)
	}
	addLabels(ctx, r.config.DB, e)
	if pg := (*postgres.Error)(nil); sql == "" && errors.As(err, &pg) {
		r.logOf(rec).WarnContext(ctx, "statement of a tool failed", "error", err, "file", t.def.Path)
	}
	if pg := (*postgres.Error)(nil); t.degraded.Load() != nil && errors.As(err, &pg) && outdated(pg) {
		e.Message = "this tool no longer fits the database: " + e.Message
		e.Hint = "use another tool; this one works again as soon as the database or its file is corrected"
	}
	return e
}

// markDegraded marks a tool whose statement the database no longer takes, and unmarks one that works again, where
// Config.Recheck has such tools described again.
func (r *Registry) markDegraded(ctx context.Context, t *tool, err error) {
	if h, ok := t.handler.(*sqlTool); !ok || r.config.Recheck == nil || !h.asDescribed(ctx) {
		return
	}
	var pg *postgres.Error
	switch {
	case err == nil && t.degraded.Swap(nil) != nil:
	case errors.As(err, &pg) && outdated(pg):
		reason := pg.Message
		t.degraded.Store(&reason)
	default:
		return
	}
	r.config.Recheck.add(t.def.Name)
}

// outdated reports an error of a statement that no longer fits the schema of the database.
func outdated(e *postgres.Error) bool {
	return aboutName(e.Code) || e.Code == "0A000" && strings.Contains(e.Message, "cached plan")
}

// logOf is the log of what happens in a call.
func (r *Registry) logOf(rec *observe.Record) *slog.Logger {
	log := r.log.With("call", rec.Call, "tool", rec.Tool)
	if rec.Database != "" {
		return log.With("database", rec.Database)
	}
	return log
}

// done logs a call, and hands its record to the observer.
func (r *Registry) done(ctx context.Context, rec *observe.Record, res *Answer) {
	rec.Duration = time.Since(rec.Time)
	rec.Bytes = res.bytes()
	attrs := append(make([]slog.Attr, 0, 6), slog.String("call", rec.Call), slog.String("tool", rec.Tool))
	if rec.Database != "" {
		attrs = append(attrs, slog.String("database", rec.Database))
	}
	if rec.Sub != "" {
		attrs = append(attrs, slog.String("sub", rec.Sub))
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "tool call",
		append(attrs, slog.String("outcome", rec.Outcome), slog.Int64("ms", rec.Duration.Milliseconds()))...)
	r.config.Observer.Call(ctx, rec)
}
