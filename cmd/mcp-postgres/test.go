package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/tooltest"
)

type testCmd struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"Folders of tool files. Default: those of --tools, or else the built-in tools."`
	formatFlag
}

// Run runs the tests. The exit status is 0 if all pass, 1 if some fail, and 2 without a database or for a folder that
// is none.
func (cmd *testCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	sources, err := commandSources(cmd.Dirs, c.Tools)
	if err != nil {
		return usage(s, err)
	}
	cat, err := catalog.Load(sources...)
	if err != nil {
		return fmt.Errorf("loading tools:\n%w", err)
	}
	db, notes, err := connectWithNotes(ctx, c, sources, "tests run on a database", s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	permissions, err := reload.OpenPermissions(ctx, c, db.Names, log)
	if err != nil {
		return err
	}
	defer permissions.Close()
	conf := registryConfig(db.Settings)
	conf.Name, conf.RoleDBs = db.Name, permissions.RoleDBs()
	results, err := tooltest.Run(ctx, cat.Tools, notes, db.DB, conf, permissions.RulesIn(db.Database))
	if err != nil {
		return err
	}
	return testReport(results).print(s.out, cmd.formatFlag)
}

func testReport(results []tooltest.Result) *report {
	r := &report{}
	n := map[string]int{}
	for _, t := range results {
		n[t.Outcome]++
		e := entry{suite: t.Toolset, class: t.Toolset + "." + t.Tool, name: t.Test, seconds: t.Seconds,
			path: t.Path, line: t.Line, title: "mcp-postgres test " + t.Tool + ": " + t.Test, message: t.Reason}
		switch t.Outcome {
		case tooltest.Passed:
			e.human = fmt.Sprintf("ok    %s: %s (%.0f ms)", t.Tool, t.Test, t.Seconds*1000)
		case tooltest.Skipped:
			e.level, e.skipped = "notice", true
			e.human = fmt.Sprintf("skip  %s: %s: %s", t.Tool, t.Test, t.Reason)
		default:
			e.level, e.fails = "error", true
			e.human = fmt.Sprintf("FAIL  %s: %s (%s:%d)\n      %s", t.Tool, t.Test, t.Path, t.Line, t.Reason)
		}
		r.entries = append(r.entries, e)
	}
	passed, failed, skipped := n[tooltest.Passed], n[tooltest.Failed], n[tooltest.Skipped]
	r.summary = fmt.Sprintf("%s: %d passed, %d failed, %d skipped", count(len(results), "test"), passed, failed, skipped)
	r.json = map[string]any{"passed": passed, "failed": failed, "skipped": skipped,
		"tests": append([]tooltest.Result{}, results...)}
	return r
}
