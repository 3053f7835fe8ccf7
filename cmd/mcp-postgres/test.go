package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

type testCmd struct {
	Dirs   []string `arg:"" optional:"" name:"dir" help:"Folders of tool files; without one those of --tools, or else the built-in tools."`
	Format string   `name:"format" help:"How to print: ${enum}." enum:"human,json,junit" default:"human"`
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
	outcomes, err := runTests(ctx, c, a, cat.Tools)
	if err != nil {
		return err
	}
	if err := outcomes.print(s.out, cmd.Format); err != nil {
		return err
	}
	if outcomes.count(failed) > 0 {
		return exitError{1}
	}
	return nil
}

// outcome is what one test came to.
type outcome struct {
	Tool    string  `json:"tool"`
	Test    string  `json:"test"`
	Path    string  `json:"path"`
	Line    int     `json:"line"`
	Outcome string  `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds"`

	toolset string
}

// unknownToolCode stands for the error of the protocol that a caller gets who may not call the tool.
const unknownToolCode = "unknown_tool"

const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

type outcomes []outcome

func (all outcomes) count(what string) int {
	n := 0
	for _, o := range all {
		if o.Outcome == what {
			n++
		}
	}
	return n
}

// runTests makes the calls, one after the other. The error is that of a database that does not answer.
func runTests(ctx context.Context, c *config.Config, a *app, tools []*catalog.Tool) (outcomes, error) {
	version, extensions, err := registry.Facts(ctx, a.db)
	if err != nil {
		return nil, fmt.Errorf("the database does not answer: %w", err)
	}
	rules := a.access.rules.Load()
	logins, err := a.access.databases(ctx, c, rules)
	if err != nil {
		return nil, err
	}
	for role, db := range logins {
		logins[role] = &undone{Database: db}
	}
	var all outcomes
	for _, t := range tools {
		lacks := t.Requires.Unmet(version, extensions)
		if c.ReadOnly && t.Access == catalog.Write {
			lacks = "writes, and the server is read-only"
		}
		run := toolTests{tool: t, skip: lacks, rules: rules}
		if lacks == "" {
			if err := run.prepare(ctx, c, a.db, logins); err != nil {
				return nil, err
			}
		}
		all = append(all, run.all(ctx)...)
	}
	return all, nil
}

// toolTests runs the tests of one tool.
type toolTests struct {
	tool     *catalog.Tool
	skip     string // why none is run
	broken   string // why all fail
	registry *registry.Registry
	rules    *guard.Rules // nil without permissions
	db       *undone
	columns  []string
}

func (tt *toolTests) prepare(ctx context.Context, c *config.Config, db *postgres.DB, logins map[string]registry.Database) error {
	d, err := registry.Describe(ctx, db, tt.tool, c.ReadOnly)
	if err != nil {
		return err
	}
	if len(d.Faults) > 0 {
		tt.broken = d.Faults.Error()
		return nil
	}
	tt.db = &undone{Database: db, tool: tt.tool}
	tt.columns = shownColumns(d.Output, tt.tool.Result)
	tt.registry, err = registry.Build(registry.Config{
		Tools: []*catalog.Tool{tt.tool}, Outputs: map[string]json.RawMessage{tt.tool.Name: d.Output}, DB: tt.db, RoleDBs: logins, ReadOnly: c.ReadOnly,
		Timeout: c.Timeout(), MaxRows: c.MaxRows, MaxBytes: c.MaxBytes, MaxSQLBytes: c.MaxSQL, Logger: slog.New(slog.DiscardHandler),
	})
	return err
}

// shownColumns are the names of the columns as an answer has them, in their order.
func shownColumns(output json.RawMessage, result catalog.Result) []string {
	properties := member(output, "properties")
	if result == catalog.Rows {
		properties = member(member(member(properties, "items"), "items"), "properties")
	}
	var names []string
	all, _ := fields(properties)
	for _, f := range all {
		names = append(names, f.name)
	}
	return names
}

func member(object json.RawMessage, name string) json.RawMessage {
	all, _ := fields(object)
	for _, f := range all {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func (tt *toolTests) all(ctx context.Context) outcomes {
	var all outcomes
	line, _ := tt.tool.KeyPosition("examples")
	for i, e := range tt.tool.Examples {
		name := e.Description
		if name == "" {
			name = fmt.Sprintf("example %d", i+1)
		}
		all = append(all, tt.one(ctx, name, line, func(ctx context.Context) string { return tt.example(ctx, e) }))
	}
	for i, test := range tt.tool.Tests {
		name := test.Name
		if name == "" {
			name = fmt.Sprintf("test %d", i+1)
		}
		all = append(all, tt.one(ctx, name, test.Line, func(ctx context.Context) string { return tt.test(ctx, test) }))
	}
	return all
}

func (tt *toolTests) one(ctx context.Context, name string, line int, run func(context.Context) string) outcome {
	t := tt.tool
	o := outcome{Tool: t.Name, Test: name, Path: t.Path, Line: line, Outcome: passed, toolset: t.Toolset}
	start := time.Now()
	switch {
	case tt.skip != "":
		o.Outcome, o.Reason = skipped, tt.skip
	case tt.broken != "":
		o.Outcome, o.Reason = failed, tt.broken
	default:
		if o.Reason = run(ctx); o.Reason != "" {
			o.Outcome = failed
		}
	}
	o.Seconds = time.Since(start).Seconds()
	return o
}

// example wants an answer; that there is no such thing is one.
func (tt *toolTests) example(ctx context.Context, e catalog.Example) string {
	tt.db.as = nil
	a := tt.call(ctx, e.Args)
	if a.code != "" && a.code != "not_found" {
		return "answers the error " + string(a.body)
	}
	return ""
}

func (tt *toolTests) test(ctx context.Context, test catalog.Test) string {
	if tt.db.as = nil; test.As != nil && tt.rules != nil {
		var err error
		if ctx, err = withCaller(ctx, tt.rules, test.As); err != nil {
			return err.Error()
		}
	} else {
		tt.db.as = test.As
	}
	return tt.call(ctx, test.Args).differs(test.Expect)
}

func (tt *toolTests) call(ctx context.Context, args json.RawMessage) *answer {
	res, err := tt.registry.Call(ctx, tt.tool.Name, args)
	if err != nil {
		body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": unknownToolCode, "message": err.Error()}}) // two strings
		return &answer{body: body, code: unknownToolCode}
	}
	body := registry.Body(res)
	a := &answer{body: body, result: tt.tool.Result, columns: tt.columns}
	if res.IsError {
		_ = json.Unmarshal(member(body, "error"), &struct{ Code *string }{&a.code}) // an error has a code
	}
	return a
}

func (all outcomes) print(w io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(w, map[string]any{"passed": all.count(passed), "failed": all.count(failed), "skipped": all.count(skipped), "tests": append(outcomes{}, all...)})
	case "junit":
		return all.junit(w)
	}
	for _, o := range all {
		switch o.Outcome {
		case passed:
			fmt.Fprintf(w, "ok    %s: %s (%.0f ms)\n", o.Tool, o.Test, o.Seconds*1000)
		case skipped:
			fmt.Fprintf(w, "skip  %s: %s: %s\n", o.Tool, o.Test, o.Reason)
		default:
			fmt.Fprintf(w, "FAIL  %s: %s (%s:%d)\n      %s\n", o.Tool, o.Test, o.Path, o.Line, o.Reason)
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped\n", count(len(all), "test"), all.count(passed), all.count(failed), all.count(skipped))
	return err
}
