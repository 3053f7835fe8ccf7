package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/registry"
)

type toolsCmd struct {
	Name string `arg:"" optional:"" help:"Show this tool: its arguments and SQL, and with --json its schemas."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists the tools or shows one: with MCP_AUTH_TOKEN to its caller, else to the operator, who sees all.
func (cmd *toolsCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) error {
	own := *c
	own.Demo = c.Demo && len(c.Tools) > 0 // only the tools of operators need a database, to be described
	return withApp(ctx, &own, c.AuthToken() != "", s, log,
		func(ctx context.Context, a *app) error { return cmd.show(ctx, a, s) })
}

func (cmd *toolsCmd) show(ctx context.Context, a *app, s streams) error {
	ctx, tools := a.chosen(ctx)
	switch {
	case cmd.Name == "" && cmd.JSON:
		return errors.Join(writeJSON(s.out, shownTools(ctx, tools)), a.main().reconciler.Refused())
	case cmd.Name == "":
		return errors.Join(listTools(ctx, s.out, tools), a.main().reconciler.Refused())
	case !tools.Offered(ctx, cmd.Name):
		return missingTool(ctx, cmd.Name, tools)
	}
	if cmd.JSON {
		return writeJSON(s.out, shown(tools, cmd.Name))
	}
	def, _, _ := tools.Tool(cmd.Name)
	showTool(s.out, def)
	return nil
}

// shownTool is what tools --json prints of one tool.
type shownTool struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Toolset     string `json:"toolset,omitempty"`
	Description string `json:"description"`
	Access      string `json:"access"`
	registry.Schema
	SQL string `json:"sql,omitempty"`
}

func shown(r *registry.Registry, name string) shownTool {
	def, schema, _ := r.Tool(name)
	return shownTool{def.Name, def.Title, def.Toolset, def.Description, string(def.Access), schema, def.SQL}
}

func shownTools(ctx context.Context, r *registry.Registry) []shownTool {
	list := []shownTool{}
	for _, name := range r.NamesFor(ctx) {
		list = append(list, shown(r, name))
	}
	return list
}

func listTools(ctx context.Context, w io.Writer, r *registry.Registry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOOL\tTOOLSET\tACCESS\tARGUMENTS\tTITLE")
	for _, name := range r.NamesFor(ctx) {
		def, _, _ := r.Tool(name)
		var args []string
		for _, p := range def.Arguments() {
			if !p.Required {
				p.Name = "[" + p.Name + "]"
			}
			args = append(args, p.Name)
		}
		toolset, all := cmp.Or(def.Toolset, "-"), strings.Join(args, " ")
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, toolset, def.Access, all, def.Title)
	}
	return table.Flush()
}

func showTool(w io.Writer, def *catalog.Tool) {
	title := ""
	if def.Title != "" {
		title = def.Title + ", "
	}
	fmt.Fprintf(w, "%s (%saccess %s)\n\n%s\n", def.Name, title, def.Access, strings.TrimSpace(def.Description))
	if args := def.Arguments(); len(args) > 0 {
		fmt.Fprintln(w, "\nArguments:")
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, p := range args {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", p.Name, p.Type, strings.TrimSpace(strings.Join(notes(p), "; ")))
		}
		_ = table.Flush() // the terminal is gone: nothing is left to tell
	}
	if def.SQL != "" {
		fmt.Fprintf(w, "\nSQL (%s):\n\n%s\n", def.Path, strings.TrimSpace(def.SQL))
	}
}

// asWritten writes a text as it is, and another value as JSON.
func asWritten(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return catalog.Show(v)
}

// notes describe a parameter beyond its type.
func notes(p catalog.Param) []string {
	var list []string
	if p.Required {
		list = append(list, "required")
	}
	if p.Default != nil {
		list = append(list, "default "+asWritten(p.Default))
	}
	if len(p.Enum) > 0 {
		var values []string
		for _, v := range p.Enum {
			values = append(values, asWritten(v))
		}
		list = append(list, "one of "+strings.Join(values, ", "))
	}
	if p.Minimum != "" {
		list = append(list, "at least "+p.Minimum)
	}
	if p.Maximum != "" {
		list = append(list, "at most "+p.Maximum)
	}
	if p.Description != "" {
		list = append(list, strings.TrimSpace(p.Description))
	}
	return list
}
