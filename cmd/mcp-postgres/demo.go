package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"mcp-postgres/internal/config"
)

type demoCmd struct{}

// tour are the calls that the demo shows, as one would type them.
var tour = [][]string{
	{"describe_table", "table_name=orders"},
	{"find_relationships", "table_name=customers"},
	{"query", "sql=SELECT c.full_name, count(*) AS orders FROM orders o JOIN customers c ON c.id = o.customer_id " +
		"GROUP BY c.id ORDER BY orders DESC, c.full_name LIMIT 5"},
	{"describe_table", "table_name=custmers"},
}

// Run shows the main job on the sample data and how to connect a client.
func (cmd demoCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) error {
	own := *c
	own.Demo = true
	fmt.Fprintln(s.out, "Starting a throw-away PostgreSQL with sample data...")
	return withApp(ctx, &own, false, s, log, func(ctx context.Context, a *app) error { return cmd.show(ctx, a, s) })
}

func (demoCmd) show(ctx context.Context, a *app, s streams) error {
	fmt.Fprintln(s.out, "\n$ mcp-postgres --demo tools")
	if err := listTools(ctx, s.out, a.main().reconciler.Registry()); err != nil {
		return err
	}
	for _, step := range tour {
		fmt.Fprintf(s.out, "\n$ mcp-postgres --demo call %s\n", shellLine(step))
		call := callCmd{Tool: step[0], Args: step[1:]}
		// An answer that is an error is part of the show.
		if err := call.answer(ctx, a, streams{out: s.out, err: s.out}); err != nil && !errors.As(err, new(exitError)) {
			return err
		}
	}
	return connectHelp(s)
}

// shellLine quotes what a shell would take apart.
func shellLine(words []string) string {
	var line []string
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok && strings.ContainsAny(value, " ()*'") {
			w = name + `="` + value + `"`
		}
		line = append(line, w)
	}
	return strings.Join(line, " ")
}

// connectHelp prints what a client's configuration needs, with the path of this program.
func connectHelp(s streams) error {
	program, err := os.Executable()
	if err != nil {
		program = "mcp-postgres"
	}
	snippet, err := json.MarshalIndent(map[string]any{"mcpServers": map[string]any{
		"postgres": map[string]any{"command": program, "args": []string{"--demo"}},
	}}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, `
Connect a client to this demo. In its configuration (mcpServers):

%s

With Claude Code:

  claude mcp add postgres -- %s --demo

For your own database leave --demo out and set DATABASE_URL=postgres://user:password@host:5432/database.
`, snippet, program)
	return err
}
