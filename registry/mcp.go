package registry

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
)

// instructions tell an agent how to work with the tools.
const instructions = `PostgreSQL through typed tools. Few calls answer most questions:
1. describe_database first: the map of all tables, columns, keys, codes and comments. It marks what it cuts with … and names the call that shows it.
2. describe_table, get_foreign_keys and find_relationships only for what the map leaves open, with several names in one call.
3. query runs several SQL statements in one call: ask all that you want to know at once. Pass values in parameters as $1, $2; keep answers small with WHERE, LIMIT and aggregates.
4. Times come in the time zone that the map names.
An error names what to change: mend the call and try again. next_cursor means there is another page.`

// Server makes an MCP server that offers the tools; options add what a transport needs. Replace changes what it offers.
func (r *Registry) Server(version string, options ...server.ServerOption) *server.MCPServer {
	s := server.NewMCPServer("mcp-postgres", version, append(append([]server.ServerOption{
		server.WithTitle("PostgreSQL"), server.WithToolCapabilities(true), server.WithInstructions(instructions),
		server.WithToolFilter(r.visibleTools)}, r.library.options()...), options...)...)
	r.library.addTo(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = append(r.servers, s)
	s.SetTools(r.serverTools()...)
	s.SetPrompts(r.serverPrompts()...)
	return s
}

// ErrorSession is a session that is given the error of its request as a value: the answer has but its text.
type ErrorSession interface {
	server.ClientSession
	NoteError(error)
}

func noteError(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
	if s, ok := server.ClientSessionFromContext(ctx).(ErrorSession); ok {
		s.NoteError(err)
	}
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

// sizeHint asks Claude Code for room for an answer that has no pages, which it would put into a file from 50,000
// characters on. mostChars is the most that it gives (code.claude.com/docs/en/mcp), and all that an answer may have:
// its message has it twice.
const (
	sizeHint  = "anthropic/maxResultSizeChars"
	mostChars = 500_000
)

// definition is the tool as tools/list shows it.
func (t *tool) definition() mcp.Tool {
	d := mcp.NewToolWithRawSchema(t.def.Name, description(t.def), t.schema.Input)
	d.Title, d.RawOutputSchema = t.def.Title, t.schema.Output
	if t.def.Result == catalog.Object || t.def.Result == catalog.Value {
		d.Meta = mcp.NewMetaFromMap(map[string]any{sizeHint: mostChars})
	}
	read := t.def.Access == catalog.Read
	h := t.def.Hints
	d.Annotations = mcp.ToolAnnotation{
		ReadOnlyHint: &read, DestructiveHint: &h.Destructive, IdempotentHint: &h.Idempotent, OpenWorldHint: &h.OpenWorld,
	}
	return d
}

// serverTools are the tools of the set as a server takes them.
func (r *Registry) serverTools() []server.ServerTool {
	var all []server.ServerTool
	for _, t := range r.set.Load().tools {
		all = append(all, server.ServerTool{Tool: t.definition(), Handler: r.callTool})
	}
	return all
}

// callTool is the handler of all tools.
func (r *Registry) callTool(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, err := r.Call(ctx, req.Params.Name, rawArguments(req))
	if err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func (r *Registry) serverPrompts() []server.ServerPrompt {
	var all []server.ServerPrompt
	for _, p := range r.set.Load().prompts {
		all = append(all, server.ServerPrompt{Prompt: promptDefinition(p),
			Handler: func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				return getPrompt(p, req.Params.Arguments)
			}})
	}
	return all
}
