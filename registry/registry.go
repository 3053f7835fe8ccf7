// Package registry makes MCP tools of tool files: their JSON schemas, one handler for all, and the two tools in code,
// query and server_info.
package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// Database runs statements; *postgres.DB is one.
type Database interface {
	Run(context.Context, postgres.Call, postgres.Sink) (postgres.Outcome, error)
}

// Config says what to build.
type Config struct {
	// Tools are the tool files; query and server_info are added to them.
	Tools []*catalog.Tool
	// Prompts are the prompt files.
	Prompts []*catalog.Prompt
	// Outputs are the output schemas by tool name; a tool without one is offered without.
	Outputs map[string]json.RawMessage
	// DB must be set.
	DB Database
	// RoleDBs are the databases of the roles that have a login of their own, by the name of the role.
	RoleDBs map[string]Database
	// ReadOnly makes query read only and leaves out tools that write.
	ReadOnly bool
	// Timeout is what server_info tells of the statement timeout.
	Timeout time.Duration
	// MaxRows bounds the rows of an answer without pages, MaxBytes its size; zero means 1000 and 1 MiB.
	MaxRows, MaxBytes int
	// MaxSQLBytes bounds the SQL of query; zero means DefaultMaxSQLBytes.
	MaxSQLBytes int
	// Version of the server.
	Version string
	// Logger must be set.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	DefaultMaxRows  = 1000
	DefaultMaxBytes = 1 << 20
)

// Registry holds the tools, ready to serve.
type Registry struct {
	tools  []*tool
	byName map[string]*tool
	log    *slog.Logger

	library *library
}

// handler answers a call whose arguments have been checked.
type handler interface {
	call(context.Context, map[string]any) (*mcp.CallToolResult, error)
}

// tool is one entry of the registry.
type tool struct {
	def     *catalog.Tool
	schema  Schema
	check   *validator
	handler handler
}

// Build makes the registry. An error is a fault of the program or of a schema, not of a database.
func Build(c Config) (*Registry, error) {
	if c.MaxRows == 0 {
		c.MaxRows = DefaultMaxRows
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxSQLBytes == 0 {
		c.MaxSQLBytes = DefaultMaxSQLBytes
	}
	guard := newGuard(c.DB, c.RoleDBs, c.ReadOnly)
	limits := rowLimits{rows: c.MaxRows, bytes: c.MaxBytes, cell: defaultCell}
	r := &Registry{byName: map[string]*tool{}, log: c.Logger}
	var faults []error
	for _, t := range c.Tools {
		if c.ReadOnly && t.Access == catalog.Write {
			continue
		}
		faults = append(faults, r.add(t, c.Outputs[t.Name], &sqlTool{tool: t, db: c.DB, limits: limits}))
	}
	faults = append(faults, r.add(queryDefinition(c.ReadOnly), nil, &queryTool{guard: guard, limits: limits, maxSQL: c.MaxSQLBytes, readOnly: c.ReadOnly}))
	info := &serverInfoTool{db: c.DB}
	output, err := serverInfoSchema()
	faults = append(faults, err, r.add(serverInfoDefinition(), output, info))
	slices.SortFunc(r.tools, func(a, b *tool) int { return strings.Compare(a.def.Name, b.def.Name) })
	info.info = c.serverInfo(r, limits)
	r.library, err = r.newLibrary(&c, limits)
	return r, errors.Join(append(faults, err)...)
}

func (r *Registry) add(def *catalog.Tool, output json.RawMessage, h handler) error {
	t, err := newTool(def, output, h)
	if err != nil {
		return err
	}
	r.tools = append(r.tools, t)
	r.byName[def.Name] = t
	return nil
}

func newTool(def *catalog.Tool, output json.RawMessage, h handler) (*tool, error) {
	input, err := json.Marshal(InputSchema(def))
	if err != nil {
		return nil, fmt.Errorf("writing the input schema of %s: %w", def.Name, err)
	}
	check, err := newValidator(def.Name, input, Arguments(def))
	if err != nil {
		return nil, err
	}
	return &tool{def: def, schema: Schema{Input: input, Output: output}, check: check, handler: h}, nil
}

func (c *Config) serverInfo(r *Registry, l rowLimits) ServerInfo {
	info := ServerInfo{
		Name: "mcp-postgres", Version: c.Version, ReadOnly: c.ReadOnly,
		Limits: Limits{TimeoutMS: c.Timeout.Milliseconds(), Rows: l.rows, Bytes: l.bytes, CellBytes: l.cell},
	}
	for _, t := range r.tools {
		info.Tools = append(info.Tools, t.def.Name)
		if s := t.def.Toolset; s != "" && !slices.Contains(info.Toolsets, s) {
			info.Toolsets = append(info.Toolsets, s)
		}
	}
	slices.Sort(info.Toolsets)
	return info
}

// Names are the names of the tools, sorted.
func (r *Registry) Names() []string {
	names := make([]string, len(r.tools))
	for i, t := range r.tools {
		names[i] = t.def.Name
	}
	return names
}

// Tool gives the definition and the schemas of one tool; ok is false for an unknown name.
func (r *Registry) Tool(name string) (def *catalog.Tool, s Schema, ok bool) {
	t, ok := r.byName[name]
	if !ok {
		return nil, Schema{}, false
	}
	return t.def, t.schema, true
}

// Call does what tools/call does. The error is only ever an unknown tool.
func (r *Registry) Call(ctx context.Context, name string, args json.RawMessage) (*mcp.CallToolResult, error) {
	t, ok := r.byName[name]
	if !ok {
		return nil, fmt.Errorf("unknown tool %q%s", name, catalog.DidYouMean(name, r.Names()))
	}
	return r.run(ctx, t, args), nil
}

// run answers one call. Whatever happens becomes a result: an error or a panic of a handler would reach the client as it is.
func (r *Registry) run(ctx context.Context, t *tool, raw json.RawMessage) (res *mcp.CallToolResult) {
	start, id := time.Now(), callID()
	log := r.log.With("call", id, "tool", t.def.Name)
	outcome := "ok"
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic", "value", p, "stack", string(debug.Stack()))
			outcome, res = codeInternal, errorResult(internalError(id))
		}
		log.InfoContext(ctx, "tool call", "outcome", outcome, "ms", time.Since(start).Milliseconds())
	}()
	args, err := t.check.arguments(raw)
	if err == nil {
		res, err = t.handler.call(ctx, args)
	}
	if err == nil {
		return res
	}
	sql, _ := args["sql"].(string)
	if t.def.Name != queryName {
		sql = ""
	}
	e, ok := userMessage(err, sql)
	if !ok {
		log.ErrorContext(ctx, "internal error", "error", err)
		e = internalError(id)
	}
	if pg := (*postgres.Error)(nil); sql == "" && errors.As(err, &pg) {
		log.WarnContext(ctx, "statement of a tool failed", "error", err, "file", t.def.Path)
	}
	outcome = e.Code
	return errorResult(e)
}

func internalError(id string) *callError {
	return &callError{Code: codeInternal, Message: "internal error (call " + id + ")"}
}

func callID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// instructions tell an agent how to work with the tools.
const instructions = `PostgreSQL through typed tools. Work like this:
1. list_schemas, then list_tables, show what there is; describe_table gives all that a correct query needs.
2. find_relationships shows how tables join, also where no foreign key is declared.
3. query runs one SQL statement; pass values in parameters as $1, $2, and keep answers small with WHERE, LIMIT and aggregates.
An error names what to change: mend the call and try again. next_cursor means there is another page.`

// Server makes the MCP server that offers the tools; options add what a transport needs.
func (r *Registry) Server(version string, options ...server.ServerOption) *server.MCPServer {
	s := server.NewMCPServer("mcp-postgres", version, append(append([]server.ServerOption{
		server.WithTitle("PostgreSQL"), server.WithToolCapabilities(false), server.WithInstructions(instructions)}, r.library.options()...), options...)...)
	r.library.addTo(s)
	for _, t := range r.tools {
		s.AddTool(t.definition(), func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return r.run(ctx, t, rawArguments(req)), nil
		})
	}
	return s
}

// rawArguments gives the arguments as they came: numbers keep their digits.
func rawArguments(req mcp.CallToolRequest) json.RawMessage {
	if raw := bytes.TrimSpace(req.Params.RawArguments); len(raw) > 0 {
		return raw
	}
	if req.Params.Arguments == nil {
		return nil
	}
	raw, err := json.Marshal(req.Params.Arguments)
	if err != nil {
		return json.RawMessage("[]") // not an object: the check says so
	}
	return raw
}

// definition is the tool as tools/list shows it.
func (t *tool) definition() mcp.Tool {
	d := mcp.NewToolWithRawSchema(t.def.Name, t.def.Description, t.schema.Input)
	d.Title, d.RawOutputSchema = t.def.Title, t.schema.Output
	read := t.def.Access == catalog.Read
	h := t.def.Hints
	d.Annotations = mcp.ToolAnnotation{
		ReadOnlyHint: &read, DestructiveHint: &h.Destructive, IdempotentHint: &h.Idempotent, OpenWorldHint: &h.OpenWorld,
	}
	return d
}
