package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/tooltest"
)

type testCmd struct {
	Dirs   []string `arg:"" optional:"" name:"dir" help:"Folders of tool files. Default: those of --tools, or else the built-in tools."`
	Format string   `name:"format" help:"Output format: ${enum}." enum:"human,json,junit" default:"human"`
}

// Run runs the tests. The exit status is 0 if all pass, 1 if some fail, and 2 without a database or for a folder that is none.
func (cmd *testCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	sources, err := commandSources(cmd.Dirs, c.Tools)
	if err != nil {
		return usage(s, err)
	}
	cat, err := catalog.Load(sources...)
	if err != nil {
		return fmt.Errorf("loading tools:\n%w", err)
	}
	a, err := connect(ctx, c, quiet(c, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if !a.db.Configured() {
		return usage(s, errors.New("tests run on a database: want --conn, DATABASE_URL or --demo"))
	}
	if c.Permissions != "" {
		rules, _, err := readRules(c.Permissions)
		if err != nil {
			return err
		}
		a.access = &access{logins: map[string]*postgres.DB{}}
		a.access.rules.Store(rules)
	}
	rules := a.access.rules.Load()
	conf := registryConfig(c)
	if conf.RoleDBs, err = a.access.databases(ctx, c, rules); err != nil {
		return err
	}
	results, err := tooltest.Run(ctx, cat.Tools, a.db, conf, rules)
	if err != nil {
		return err
	}
	if err := outcomes(results).print(s.out, cmd.Format); err != nil {
		return err
	}
	if outcomes(results).count(tooltest.Failed) > 0 {
		return exitError{1}
	}
	return nil
}

type outcomes []tooltest.Result

func (all outcomes) count(what string) int {
	n := 0
	for _, o := range all {
		if o.Outcome == what {
			n++
		}
	}
	return n
}

func (all outcomes) print(w io.Writer, format string) error {
	passed, failed, skipped := all.count(tooltest.Passed), all.count(tooltest.Failed), all.count(tooltest.Skipped)
	switch format {
	case "json":
		return writeJSON(w, map[string]any{"passed": passed, "failed": failed, "skipped": skipped, "tests": append(outcomes{}, all...)})
	case "junit":
		return all.junit(w)
	}
	for _, o := range all {
		switch o.Outcome {
		case tooltest.Passed:
			fmt.Fprintf(w, "ok    %s: %s (%.0f ms)\n", o.Tool, o.Test, o.Seconds*1000)
		case tooltest.Skipped:
			fmt.Fprintf(w, "skip  %s: %s: %s\n", o.Tool, o.Test, o.Reason)
		default:
			fmt.Fprintf(w, "FAIL  %s: %s (%s:%d)\n      %s\n", o.Tool, o.Test, o.Path, o.Line, o.Reason)
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped\n", count(len(all), "test"), passed, failed, skipped)
	return err
}
