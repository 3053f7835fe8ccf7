package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/observe"
)

func promptDefinition(p *catalog.Prompt) mcp.Prompt {
	options := []mcp.PromptOption{mcp.WithPromptDescription(p.Description)}
	for _, arg := range p.Arguments {
		words := []mcp.ArgumentOption{mcp.ArgumentDescription(arg.Description)}
		if arg.Required {
			words = append(words, mcp.RequiredArgument())
		}
		options = append(options, mcp.WithArgument(arg.Name, words...))
	}
	d := mcp.NewPrompt(p.Name, options...)
	d.Title = p.Title
	return d
}

// getPrompt checks the arguments and fills them in.
func getPrompt(p *catalog.Prompt, values map[string]string) (*mcp.GetPromptResult, error) {
	args := map[string]any{}
	for name, v := range values {
		if args[name] = nil; strings.TrimSpace(v) != "" {
			args[name] = v
		}
	}
	if problems := catalog.TakeArguments(p.Arguments, args); problems != nil {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return mcp.NewGetPromptResult(p.Description, []mcp.PromptMessage{
		mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent(p.Text(values)))}), nil
}

// visiblePrompts leaves out the prompts that the caller's role does not see.
func (d *Databases) visiblePrompts(ctx context.Context, prompts []mcp.Prompt) []mcp.Prompt {
	in, s := d.libraryOf(ctx, "")
	return slices.DeleteFunc(prompts, func(p mcp.Prompt) bool {
		return s == nil || !slices.ContainsFunc(s.set.Load().prompts, func(known *catalog.Prompt) bool {
			return known.Name == p.Name && seesPrompt(in, known)
		})
	})
}

func seesPrompt(ctx context.Context, p *catalog.Prompt) bool {
	role, on := roleOf(ctx)
	return !on || role != nil && inRoles(role, p.Roles)
}

// maxCompletions is the bound of the MCP specification.
const maxCompletions = 100

// CompletePromptArgument implements server.PromptCompletionProvider.
func (d *Databases) CompletePromptArgument(ctx context.Context, name string, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	in, s := d.libraryOf(ctx, "")
	if s == nil {
		return &mcp.Completion{}, nil
	}
	for _, p := range s.set.Load().prompts {
		if p.Name == name && seesPrompt(in, p) {
			return s.library.completeParam(in, p.Arguments, a, given)
		}
	}
	return &mcp.Completion{}, nil
}

// CompleteResourceArgument implements server.ResourceCompletionProvider. The variables of the templates have the names
// of what they stand for. The URI of a tool completes the arguments of the tool, for which MCP has no reference of
// their own.
func (d *Databases) CompleteResourceArgument(ctx context.Context, uri string, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	named := ""
	if d.choice(ctx) {
		named = given.Arguments[argDatabase]
	}
	if a.Name == argDatabase && d.choice(ctx) {
		var names []string
		for _, s := range d.visible(ctx) {
			names = append(names, s.Name)
		}
		return completion(names, a.Value), nil
	}
	tool, isTool := strings.CutPrefix(uri, "tool://")
	in, s := d.libraryWith(ctx, tool, named)
	switch {
	case s == nil:
	case uri == toolURI && a.Name == "name":
		return completion(d.namesFor(ctx), a.Value), nil
	case uri == d.uri(ctx, tableURI) || uri == d.uri(ctx, schemaURI):
		return s.library.complete(in, a.Name, nil, a.Value, given.Arguments)
	case isTool:
		return s.library.completeTool(in, tool, a, given)
	}
	return &mcp.Completion{}, nil
}

// completeTool completes an argument of a tool that the caller may call.
func (l *library) completeTool(ctx context.Context, name string, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	t, ok := l.toolFor(ctx, name)
	if !ok {
		return &mcp.Completion{}, nil
	}
	return l.completeParam(ctx, t.def.Params, a, given)
}

// completeParam completes the argument of a tool or prompt; what is given of the others narrows names down.
func (l *library) completeParam(ctx context.Context, params []catalog.Param, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	of := map[string]string{}
	for _, p := range params {
		of[p.Names] = given.Arguments[p.Name]
	}
	for _, p := range params {
		if p.Name == a.Name {
			var words []string
			for _, v := range p.Enum {
				words = append(words, fmt.Sprint(v))
			}
			return l.complete(ctx, p.Names, words, a.Value, of)
		}
	}
	return &mcp.Completion{}, nil
}

// complete gives the words, or the names of the kind, that start with prefix. of are the schema and the table, by kind,
// that they are looked for in. The one error is that of a database that does not answer.
func (l *library) complete(ctx context.Context, kind string, words []string, prefix string,
	of map[string]string) (*mcp.Completion, error) {
	if kind == "" {
		return completion(words, prefix), nil
	}
	search := nameArgs{kind: kind, word: prefix, schema: of[catalog.NamesSchema], completing: true}
	if kind == catalog.NamesColumn {
		search.schemas = []string{search.schema}
		if table := of[catalog.NamesTable]; table != "" {
			search.tables = []string{table}
		}
	}
	words, err := l.names(ctx, search)
	if err != nil {
		return nil, err
	}
	return firstOf(words), nil
}

// completion are the words that start with prefix.
func completion(words []string, prefix string) *mcp.Completion {
	return firstOf(slices.DeleteFunc(slices.Clone(words),
		func(w string) bool { return !strings.HasPrefix(strings.ToLower(w), strings.ToLower(prefix)) }))
}

func firstOf(words []string) *mcp.Completion {
	if len(words) > maxCompletions {
		return &mcp.Completion{Values: words[:maxCompletions], HasMore: true}
	}
	return &mcp.Completion{Values: words, Total: len(words)}
}

// names gives what the tool file finds, each once.
func (l *library) names(ctx context.Context, search nameArgs) ([]string, error) {
	body, err := l.readFile(ctx, observe.Origin{Method: string(mcp.MethodCompletionComplete)}, nameList, search.values())
	var answer struct{ Items []struct{ Name string } }
	if down := (*readError)(nil); errors.As(err, &down) && down.code == codeUnavailable {
		return nil, err
	}
	if err != nil || json.Unmarshal([]byte(body), &answer) != nil {
		return nil, nil
	}
	var names []string
	for _, item := range answer.Items {
		if !slices.Contains(names, item.Name) {
			names = append(names, item.Name)
		}
	}
	return names, nil
}
