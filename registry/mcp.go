package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
)

// instructions tell an agent how to work with the tools.
const instructions = `PostgreSQL through typed tools. Few calls answer most questions:
1. describe_database first: the map of all tables, columns, keys, codes and comments. It marks what it cuts with ... and names the call that shows it.
2. describe_table, get_foreign_keys and find_relationships only for what the map leaves open, with several names in one call.
3. query runs several SQL statements in one call: ask all that you want to know at once. Pass values in parameters as $1, $2; keep answers small with WHERE, LIMIT and aggregates.
4. Times come in the time zone that the map names.
An error names what to change: mend the call and try again. next_cursor means there is another page.`

// severalDatabases is the line for who has several databases.
const severalDatabases = "\n5. There are several databases: the argument database says which one a call works in. " +
	"describe_database shows all of them at once with \"*\"."

// instructionsFor are those for the caller.
func (d *Databases) instructionsFor(ctx context.Context) string {
	if d.choice(ctx) {
		return strings.Replace(instructions, "\nAn error", severalDatabases+"\nAn error", 1)
	}
	return instructions
}

// Server makes an MCP server that offers the tools; options add what a transport needs. It follows what is offered.
func (d *Databases) Server(version string, options ...server.ServerOption) *server.MCPServer {
	s := server.NewMCPServer("mcp-postgres", version, append(append([]server.ServerOption{
		server.WithTitle("PostgreSQL"), server.WithToolCapabilities(true), server.WithInstructions(instructions),
		server.WithToolFilter(d.visibleTools)}, d.options()...), options...)...)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.servers = append(d.servers, s)
	s.SetResourceTemplates(d.templates()...)
	d.offerTo(s, true, true)
	return s
}

// refresh gives the servers the tools and prompts of now, which their clients are told of.
func (d *Databases) refresh(tools, prompts bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		d.offerTo(s, tools, prompts)
	}
}

func (d *Databases) offerTo(s *server.MCPServer, tools, prompts bool) {
	if tools {
		s.SetTools(d.serverTools()...)
	}
	if prompts {
		s.SetPrompts(d.serverPrompts()...)
	}
}

// errorSession is a session that is given the error of its request as a value: the answer has but its text.
type errorSession interface {
	server.ClientSession
	NoteError(error)
}

func noteError(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
	if s, ok := server.ClientSessionFromContext(ctx).(errorSession); ok {
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

// serverTools are the tools of all databases as a server takes them. What a caller sees of them is made for it.
func (d *Databases) serverTools() []server.ServerTool {
	shown := map[string]mcp.Tool{}
	for _, s := range slices.Backward(d.All()) {
		for _, t := range s.set.Load().tools {
			shown[t.def.Name] = t.definition()
		}
	}
	if d.several() {
		shown[listDatabasesName] = d.list.definition()
	}
	var all []server.ServerTool
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		all = append(all, server.ServerTool{Tool: shown[name], Handler: d.callTool})
	}
	return all
}

// visibleTools gives tools/list what the caller may call; the rest is unknown to tools/call.
func (d *Databases) visibleTools(ctx context.Context, tools []mcp.Tool) []mcp.Tool {
	if all := d.All(); len(all) == 1 {
		in, _ := d.In(ctx, all[0])
		offered := all[0].NamesFor(in)
		return slices.DeleteFunc(tools, func(t mcp.Tool) bool { return !slices.Contains(offered, t.Name) })
	}
	return d.definitions(ctx)
}

// callTool is the handler of all tools.
func (d *Databases) callTool(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, err := d.Call(ctx, req.Params.Name, rawArguments(req))
	if err != nil {
		return nil, err
	}
	return answer.result(), nil
}

// serverPrompts are those of the default database: the files are the same for all.
func (d *Databases) serverPrompts() []server.ServerPrompt {
	var all []server.ServerPrompt
	for _, p := range d.All()[0].set.Load().prompts {
		all = append(all, server.ServerPrompt{Prompt: promptDefinition(p),
			Handler: func(_ context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				return getPrompt(p, req.Params.Arguments)
			}})
	}
	return all
}
