package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
	"mcp-postgres/registry"
)

type callCmd struct {
	Tool string   `arg:"" help:"Name of the tool."`
	Args []string `arg:"" optional:"" name:"name=value" help:"Arguments; a value may be JSON. Or all of them as one JSON object."`
	JSON bool     `name:"json" help:"Print the answer as JSON."`
}

// Run calls the tool as tools/call does.
func (cmd *callCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) error {
	return withApp(ctx, c, true, s, log, func(ctx context.Context, a *app) error { return cmd.answer(ctx, a, s) })
}

// answer makes the call and prints what comes back.
func (cmd *callCmd) answer(ctx context.Context, a *app, s streams) error {
	in, tools := a.chosen(ctx)
	def, _, ok := tools.Tool(cmd.Tool)
	if !ok || !slices.Contains(tools.NamesFor(in), cmd.Tool) {
		a.observe.Audit.UnknownTool(ctx, cmd.Tool)
		return missingTool(in, cmd.Tool, tools)
	}
	args, err := cmd.arguments(def)
	if err != nil {
		return err
	}
	result, err := tools.Call(in, cmd.Tool, args)
	if err != nil {
		return err
	}
	return cmd.print(result, s)
}

// missingTool says why a tool is not there.
func missingTool(ctx context.Context, name string, tools *registry.Registry) error {
	for _, u := range tools.StatusFor(ctx).Unavailable {
		if u.Tool == name {
			return fmt.Errorf("the tool %s is not offered: %s", name, u.Reason)
		}
	}
	return unknownTool(name, tools.NamesFor(ctx))
}

func unknownTool(name string, known []string) error {
	return fmt.Errorf("unknown tool %q%s", name, faults.Suggest(name, known))
}

// arguments makes the JSON of the call.
func (cmd *callCmd) arguments(def *catalog.Tool) (json.RawMessage, error) {
	if len(cmd.Args) == 1 && strings.HasPrefix(cmd.Args[0], "{") {
		return json.RawMessage(cmd.Args[0]), nil
	}
	args := map[string]any{}
	for _, arg := range cmd.Args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("argument %q: want name=value", arg)
		}
		if _, twice := args[name]; twice {
			return nil, fmt.Errorf("argument %q is given twice", name)
		}
		args[name] = argument(def, name, value)
	}
	if _, given := args["format"]; cmd.JSON && def.Name == "query" && !given {
		args["format"] = "json"
	}
	return json.Marshal(args)
}

// argument is a value as a client would send it: the tool takes a text for a number, a switch or a list.
func argument(def *catalog.Tool, name, value string) any {
	for _, p := range def.Params {
		switch {
		case p.Name != name:
		case p.Type.Array && !strings.HasPrefix(value, "["):
			return strings.Split(value, ",")
		case p.Type.Scalar == catalog.JSON && json.Valid([]byte(value)):
			return json.RawMessage(value)
		}
	}
	return value
}

// print writes the answer: for programs as JSON, for people as tables. An error goes to stderr and ends with status 1.
func (cmd *callCmd) print(r *registry.Answer, s streams) error {
	body := r.Body()
	if r.Err != nil && !cmd.JSON {
		writeTexts(s.err, r.Texts)
		return exitError{1}
	}
	switch {
	case body == nil:
		writeTexts(s.out, r.Texts)
	case cmd.JSON:
		fmt.Fprintln(s.out, string(body))
	default:
		writeAnswer(s.out, body)
	}
	if body != nil {
		writeTexts(s.err, r.Texts[1:]) // notices that have no place in the answer
	}
	if r.Err != nil || r.Notice {
		return exitError{1}
	}
	return nil
}

func writeTexts(w io.Writer, texts []string) {
	for _, text := range texts {
		fmt.Fprintln(w, strings.TrimRight(text, "\n"))
	}
}
