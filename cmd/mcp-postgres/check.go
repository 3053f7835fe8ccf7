package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/reload"
	"mcp-postgres/registry"
)

type checkCmd struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"Folders of tool files. Default: those of --tools, or else the built-in tools."`
	formatFlag
	Strict bool `name:"strict" help:"Treat warnings as faults, and also a database that does not answer."`
}

// Run checks tool files. The exit status is 0 without faults, 1 with some, and 2 for a folder that is none.
func (cmd *checkCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	sources, err := commandSources(cmd.Dirs, c.Tools)
	if err != nil {
		return usage(s, err)
	}
	of, err := c.OneDatabase()
	if err != nil {
		return err
	}
	found := checkFiles(sources, of)
	db, err := connect(ctx, of, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	found.askDatabase(ctx, db)
	if err := found.report(cmd.Strict).print(s.out, cmd.formatFlag); err != nil {
		return err
	}
	if cmd.Strict && found.unanswered {
		return errors.New("--strict: not all was checked, as the database does not answer: want one that does, or none")
	}
	return nil
}

// commandSources are the folders named on the command line, or those of --tools, or the embedded files.
func commandSources(dirs, tools []string) ([]catalog.Source, error) {
	if len(dirs) == 0 {
		dirs = tools
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%q is no folder: want one with tool files", dir)
		}
	}
	sources, err := reload.Sources(dirs)
	if len(dirs) > 0 {
		sources = sources[1:]
	}
	return sources, err
}

// usage reports a command line that can't be understood.
func usage(s streams, err error) error {
	fmt.Fprintln(s.err, "mcp-postgres:", err)
	return exitError{2}
}

// checked is what a check found.
type checked struct {
	files      int
	tools      []*catalog.Tool // without faults in the file
	notes      catalog.Notes
	faults     faults.List // and warnings, which have a rule
	notChecked []string
	unanswered bool // the database was asked and did not say all
}

// checkFiles reads the files and finds what needs no database. The notes are those of all databases.
func checkFiles(sources []catalog.Source, of config.Database) *checked {
	found := &checked{}
	for _, s := range sources {
		cat, list := catalog.LoadValid(s)
		found.faults = append(found.faults, list...)
		found.tools = append(found.tools, cat.Tools...)
		var bad []string
		for _, f := range list {
			bad = append(bad, f.Path)
		}
		slices.Sort(bad)
		found.files += len(cat.Tools) + len(slices.Compact(bad))
		if _, err := catalog.LoadPrompts(s); err != nil {
			var list faults.List
			errors.As(err, &list)
			found.faults = append(found.faults, list...)
		}
	}
	databases := of.Names
	if of.Name == "" {
		databases = []string{""}
	} else {
		found.faults = append(found.faults, catalog.UnknownNoteFolders(sources, databases)...)
	}
	notes, files, err := catalog.LoadNotes(sources, databases...)
	found.notes, found.files = notes[of.Name], found.files+files
	if list := (faults.List)(nil); errors.As(err, &list) {
		found.faults = append(found.faults, list...)
	}
	for _, t := range found.tools {
		found.faults = append(found.faults, t.Lint()...)
		if t.Database != "" && of.Name != "" && !slices.Contains(of.Names, t.Database) {
			found.faults = append(found.faults, faults.Fault{Path: t.Path, Line: 1, Col: 1,
				Problem: fmt.Sprintf("the tool is for the database %q%s", t.Database, faults.Suggest(t.Database, of.Names))})
		}
	}
	return found
}

// askDatabase adds what the database says of the tools, or that it says nothing.
func (found *checked) askDatabase(ctx context.Context, of *database) {
	db, readOnly := of.DB, of.Settings.ReadOnly
	const unknown = "names of tables, columns and functions, types, page keys, volatile functions"
	features, err := registry.Features(ctx, db)
	switch {
	case errors.Is(err, postgres.ErrNoDatabase):
		found.notChecked = append(found.notChecked, unknown+": want --conn, DATABASE_URL or --demo")
		return
	case err != nil:
		found.unanswered = true
		found.notChecked = append(found.notChecked, unknown+": the database does not answer: "+err.Error())
		return
	}
	for _, t := range found.tools {
		if slices.Contains(of.Names, t.Database) && t.Database != of.Name {
			found.notChecked = append(found.notChecked, t.Path+": it is for another database: want --database "+t.Database)
			continue
		}
		if lacks := t.Requires.Unmet(features); lacks != "" {
			found.notChecked = append(found.notChecked, t.Path+" on this database: it "+lacks)
			continue
		}
		d, err := registry.Describe(ctx, db, t, readOnly)
		volatile, lintErr := registry.Volatile(ctx, db, t)
		if err = errors.Join(err, lintErr); err != nil {
			found.unanswered = true
			found.notChecked = append(found.notChecked, t.Path+": "+err.Error())
		}
		found.faults = slices.Concat(found.faults, d.Faults, d.Warnings, volatile)
	}
	found.askNotes(ctx, of)
}

// askNotes adds the notes on objects that the database does not have.
func (found *checked) askNotes(ctx context.Context, of *database) {
	unknown, err := registry.UnknownNotes(ctx, of.DB, found.notes, 20, len(of.Names) > 1)
	if err != nil {
		found.unanswered = true
		found.notChecked = append(found.notChecked, "the names of notes: "+err.Error())
	}
	found.faults = append(found.faults, unknown...)
}

// checkFinding is a fault or a warning as JSON shows it.
type checkFinding struct {
	Path     string `json:"path"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	Rule     string `json:"rule,omitempty"`
	Message  string `json:"message"`
}

func (found *checked) report(strict bool) *report {
	r := &report{}
	found.faults.Sort()
	findings, n, faulty := []checkFinding{}, map[string]int{}, map[string]bool{}
	for _, f := range found.faults {
		e := entry{level: "error", fails: true,
			suite: "check", class: f.Path, name: fmt.Sprintf("line %d: %s", f.Line, cmp.Or(f.Rule, "fault")),
			path: f.Path, line: f.Line, col: f.Col, title: "mcp-postgres", message: f.Problem}
		if f.Rule != "" {
			e.level, e.fails, e.title = "warning", strict, "mcp-postgres "+f.Rule
		}
		findings = append(findings, checkFinding{f.Path, f.Line, f.Col, e.level, f.Rule, f.Problem})
		if f.Rule != "" {
			f.Problem = "warning: " + f.Problem + " (" + f.Rule + ")"
		}
		e.human = f.String()
		n[e.level]++
		faulty[f.Path] = true
		r.entries = append(r.entries, e)
	}
	for _, t := range found.tools {
		if !faulty[t.Path] {
			r.entries = append(r.entries, entry{suite: "check", class: t.Path, name: "no fault", path: t.Path})
		}
	}
	for _, text := range found.notChecked {
		r.entries = append(r.entries, entry{level: "notice", skipped: true,
			suite: "check", class: "check", name: "not checked", message: "not checked: " + text, human: "Not checked: " + text})
	}
	r.summary = fmt.Sprintf("%s: %s, %s",
		count(found.files, "file"), count(n["error"], "fault"), count(n["warning"], "warning"))
	r.json = map[string]any{"files": found.files, "errors": n["error"], "warnings": n["warning"], "findings": findings,
		"not_checked": append([]string{}, found.notChecked...)}
	return r
}
