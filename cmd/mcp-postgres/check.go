package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

type checkCmd struct {
	Dirs   []string `arg:"" optional:"" name:"dir" help:"Folders of tool files. Default: those of --tools, or else the built-in tools."`
	Format string   `name:"format" help:"Output format: ${enum}." enum:"human,json,github" default:"human"`
	Strict bool     `name:"strict" help:"Treat warnings as faults, and also a database that does not answer."`
}

// Run checks tool files. The exit status is 0 without faults, 1 with some, and 2 for a folder that is none.
func (cmd *checkCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	sources, err := commandSources(cmd.Dirs, c.Tools)
	if err != nil {
		return usage(s, err)
	}
	r := checkTools(sources)
	a, err := connect(ctx, c, quiet(c, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	r.askDatabase(ctx, a.db, c.ReadOnly)
	r.Faults.Sort()
	if err := r.print(s.out, cmd.Format); err != nil {
		return err
	}
	switch {
	case r.errors() > 0 || cmd.Strict && len(r.Faults) > 0:
		return exitError{1}
	case cmd.Strict && r.unanswered:
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
	sources, err := toolSources(dirs)
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

// report is what a check found.
type report struct {
	Files      int
	Faults     catalog.Faults // and warnings, which have a rule
	NotChecked []string

	unanswered bool // the database was asked and did not say all
	tools      []*catalog.Tool
}

// checkTools reads the files and says what needs no database.
func checkTools(sources []catalog.Source) *report {
	r := &report{}
	for _, s := range sources {
		cat, faults := catalog.LoadSound(s)
		r.Faults = append(r.Faults, faults...)
		r.tools = append(r.tools, cat.Tools...)
		var bad []string
		for _, f := range faults {
			bad = append(bad, f.Path)
		}
		slices.Sort(bad)
		r.Files += len(cat.Tools) + len(slices.Compact(bad))
		if _, err := catalog.LoadPrompts(s); err != nil {
			var faults catalog.Faults
			errors.As(err, &faults)
			r.Faults = append(r.Faults, faults...)
		}
	}
	for _, t := range r.tools {
		r.Faults = append(r.Faults, t.Lint()...)
	}
	return r
}

// askDatabase adds what the database says of the sound tools, or that it says nothing.
func (r *report) askDatabase(ctx context.Context, db *postgres.DB, readOnly bool) {
	const unknown = "names of tables, columns and functions, types, page keys, volatile functions"
	version, extensions, err := registry.Facts(ctx, db)
	switch {
	case errors.Is(err, postgres.ErrNoDatabase):
		r.NotChecked = append(r.NotChecked, unknown+": want --conn, DATABASE_URL or --demo")
		return
	case err != nil:
		r.unanswered = true
		r.NotChecked = append(r.NotChecked, unknown+": the database does not answer: "+err.Error())
		return
	}
	for _, t := range r.tools {
		if lacks := t.Requires.Unmet(version, extensions); lacks != "" {
			r.NotChecked = append(r.NotChecked, t.Path+" on this database: it "+lacks)
			continue
		}
		d, err := registry.Describe(ctx, db, t, readOnly)
		volatile, lintErr := registry.LintVolatile(ctx, db, t)
		if err = errors.Join(err, lintErr); err != nil {
			r.unanswered = true
			r.NotChecked = append(r.NotChecked, t.Path+": "+err.Error())
		}
		r.Faults = slices.Concat(r.Faults, d.Faults, d.Warnings, volatile)
	}
}

func (r *report) errors() int {
	n := 0
	for _, f := range r.Faults {
		if f.Rule == "" {
			n++
		}
	}
	return n
}

// finding is a fault or a warning as JSON shows it.
type finding struct {
	Path     string `json:"path"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	Rule     string `json:"rule,omitempty"`
	Message  string `json:"message"`
}

func findings(faults catalog.Faults) []finding {
	list := []finding{}
	for _, f := range faults {
		severity := "error"
		if f.Rule != "" {
			severity = "warning"
		}
		list = append(list, finding{f.Path, f.Line, f.Col, severity, f.Rule, f.Problem})
	}
	return list
}

func (r *report) print(w io.Writer, format string) error {
	faults := r.errors()
	switch format {
	case "json":
		return writeJSON(w, map[string]any{
			"files": r.Files, "errors": faults, "warnings": len(r.Faults) - faults, "findings": findings(r.Faults), "not_checked": append([]string{}, r.NotChecked...),
		})
	case "github":
		for _, f := range findings(r.Faults) {
			fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", f.Severity, property(f.Path), max(f.Line, 1), max(f.Column, 1), property("mcp-postgres "+f.Rule), data(f.Message))
		}
		for _, n := range r.NotChecked {
			fmt.Fprintf(w, "::notice::%s\n", data("not checked: "+n))
		}
		return nil
	}
	for _, f := range r.Faults {
		if f.Rule != "" {
			f.Problem = "warning: " + f.Problem + " (" + f.Rule + ")"
		}
		fmt.Fprintln(w, f)
	}
	for _, n := range r.NotChecked {
		fmt.Fprintln(w, "Not checked:", n)
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s\n", count(r.Files, "file"), count(faults, "fault"), count(len(r.Faults)-faults, "warning"))
	return err
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// data and property escape text as the workflow commands of GitHub Actions want it.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(strings.TrimSpace(text)))
}
