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

// visible leaves out the prompts that the caller's role does not see.
func (l *library) visible(ctx context.Context, prompts []mcp.Prompt) []mcp.Prompt {
	return slices.DeleteFunc(prompts, func(p mcp.Prompt) bool {
		return !slices.ContainsFunc(l.set.Load().prompts, func(known *catalog.Prompt) bool {
			return known.Name == p.Name && seesPrompt(ctx, known)
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
func (l *library) CompletePromptArgument(ctx context.Context, name string, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	for _, p := range l.set.Load().prompts {
		if p.Name != name || !seesPrompt(ctx, p) {
			continue
		}
		return l.completeParam(ctx, p.Arguments, a, given)
	}
	return &mcp.Completion{}, nil
}

// CompleteResourceArgument implements server.ResourceCompletionProvider. The variables of the templates have the names
// of what they stand for. The URI of a tool completes the arguments of the tool, for which MCP has no reference of
// their own.
func (l *library) CompleteResourceArgument(ctx context.Context, uri string, a mcp.CompleteArgument,
	given mcp.CompleteContext) (*mcp.Completion, error) {
	name, isTool := strings.CutPrefix(uri, "tool://")
	switch {
	case uri == toolURI && a.Name == "name":
		return l.complete(ctx, "", l.NamesFor(ctx), a.Value, nil)
	case uri == tableURI || uri == schemaURI:
		return l.complete(ctx, a.Name, nil, a.Value, given.Arguments)
	case isTool:
		return l.completeTool(ctx, name, a, given)
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
	if kind != "" {
		search := nameArgs{kind: kind, word: prefix, schema: of[catalog.NamesSchema], completing: true}
		if kind == catalog.NamesColumn {
			search.schemas = []string{search.schema}
			if table := of[catalog.NamesTable]; table != "" {
				search.tables = []string{table}
			}
		}
		var err error
		if words, err = l.names(ctx, search); err != nil {
			return nil, err
		}
	} else {
		words = slices.DeleteFunc(slices.Clone(words),
			func(w string) bool { return !strings.HasPrefix(strings.ToLower(w), strings.ToLower(prefix)) })
	}
	if len(words) > maxCompletions {
		return &mcp.Completion{Values: words[:maxCompletions], HasMore: true}, nil
	}
	return &mcp.Completion{Values: words, Total: len(words)}, nil
}

// names gives what the tool file finds, each once.
func (l *library) names(ctx context.Context, search nameArgs) ([]string, error) {
	body, err := l.readFile(ctx, observe.Origin{Method: string(mcp.MethodCompletionComplete)}, nameList, search.values())
	var answer struct{ Items []struct{ Name string } }
	if down := (*unread)(nil); errors.As(err, &down) && down.code == CodeUnavailable {
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
