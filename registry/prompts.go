package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
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
	var names []string
	for _, arg := range p.Arguments {
		names = append(names, arg.Name)
		v := values[arg.Name]
		if arg.Required && strings.TrimSpace(v) == "" {
			return nil, fmt.Errorf("missing argument %q: %s", arg.Name, arg.Description)
		}
		if v != "" && len(arg.Enum) > 0 && !slices.Contains(arg.Enum, v) {
			return nil, fmt.Errorf("%s: %.100q is none of %s", arg.Name, v, strings.Join(arg.Enum, ", "))
		}
	}
	for name := range values {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("unknown argument %.100q%s", name, catalog.DidYouMean(name, names))
		}
	}
	return mcp.NewGetPromptResult(p.Description, []mcp.PromptMessage{
		mcp.NewPromptMessage(mcp.RoleUser, mcp.NewTextContent(p.Text(values)))}), nil
}

// visible leaves out the prompts that the caller's role does not see.
func (l *library) visible(ctx context.Context, prompts []mcp.Prompt) []mcp.Prompt {
	return slices.DeleteFunc(prompts, func(p mcp.Prompt) bool {
		return !slices.ContainsFunc(l.set.Load().prompts, func(known *catalog.Prompt) bool { return known.Name == p.Name && seesPrompt(ctx, known) })
	})
}

func seesPrompt(ctx context.Context, p *catalog.Prompt) bool {
	role, on := roleOf(ctx)
	return !on || role != nil && inRoles(role, p.Roles)
}

// maxCompletions is the bound of the MCP specification.
const maxCompletions = 100

// CompletePromptArgument implements server.PromptCompletionProvider.
func (l *library) CompletePromptArgument(ctx context.Context, name string, a mcp.CompleteArgument, given mcp.CompleteContext) (*mcp.Completion, error) {
	for _, p := range l.set.Load().prompts {
		for _, arg := range p.Arguments {
			if p.Name == name && arg.Name == a.Name && seesPrompt(ctx, p) {
				return l.complete(ctx, arg.Complete, arg.Enum, a.Value, given.Arguments["schema"]), nil
			}
		}
	}
	return &mcp.Completion{}, nil
}

// CompleteResourceArgument implements server.ResourceCompletionProvider. The variables of the templates have the names of
// what they stand for.
func (l *library) CompleteResourceArgument(ctx context.Context, uri string, a mcp.CompleteArgument, given mcp.CompleteContext) (*mcp.Completion, error) {
	switch {
	case uri == toolURI && a.Name == "name":
		return l.complete(ctx, "", l.NamesFor(ctx), a.Value, ""), nil
	case uri == tableURI || uri == schemaURI:
		return l.complete(ctx, a.Name, nil, a.Value, given.Arguments["schema"]), nil
	}
	return &mcp.Completion{}, nil
}

// complete gives the words, or the names of the kind, that start with prefix. Whatever goes wrong, it gives none.
func (l *library) complete(ctx context.Context, kind string, words []string, prefix, schema string) *mcp.Completion {
	ctx = cameBy(ctx, mcp.MethodCompletionComplete, "")
	args := map[string]any{"prefix": prefix}
	switch kind {
	case "schema":
		words = l.column(ctx, schemaNames, args)
	case "table":
		if schema != "" {
			args["schema"] = schema
		}
		words = l.column(ctx, tableNames, args)
	default:
		words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(strings.ToLower(w), strings.ToLower(prefix)) })
	}
	if len(words) > maxCompletions {
		return &mcp.Completion{Values: words[:maxCompletions], HasMore: true}
	}
	return &mcp.Completion{Values: words, Total: len(words)}
}

// column gives the first column of a resource's rows.
func (l *library) column(ctx context.Context, file string, args map[string]any) []string {
	body, err := l.readFile(ctx, file, args)
	if err != nil {
		return nil
	}
	var answer struct{ Items []map[string]string }
	if json.Unmarshal([]byte(body), &answer) != nil {
		return nil
	}
	var values []string
	for _, item := range answer.Items {
		for _, v := range item {
			values = append(values, v)
		}
	}
	return values
}
