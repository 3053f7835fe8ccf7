package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/doctor"
	"mcp-postgres/internal/reload"
)

type doctorCmd struct {
	formatFlag
	Strict bool `name:"strict" help:"Treat warnings as dangers."`
}

// Run examines the logins. The exit status is 0 without dangers, 1 with some, and 2 without a database.
func (cmd *doctorCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	of, err := c.OneDatabase()
	if err != nil {
		return err
	}
	permissions, err := reload.OpenPermissions(ctx, c, of.Names, log)
	if err != nil {
		return err
	}
	defer permissions.Close()
	db, err := connect(ctx, of, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	files := &reload.Files{}
	if permissions.Rules() != nil {
		if files, err = reload.Load(db.Database, log); err != nil {
			return err
		}
	}
	if !db.Configured() {
		return usage(s, errors.New("doctor examines a database: want --conn, DATABASE_URL or --demo"))
	}
	found, err := doctor.Examine(ctx, doctorConfig(db, permissions, files))
	if err != nil {
		return err
	}
	return doctorReport(found, cmd.Strict).print(s.out, cmd.formatFlag)
}

func doctorConfig(db *database, p *reload.Permissions, files *reload.Files) doctor.Config {
	c := db.Settings
	return doctor.Config{DB: db.DB, Conn: c.Conn, RoleDBs: p.Databases(), Rules: p.RulesIn(db.Database),
		Known: files.Names, Offered: files.Offered(c), ReadOnly: c.ReadOnly}
}

// refuseDangers refuses with --strict to serve where there are dangers, or where that can't be seen.
func (cmd serveCmd) refuseDangers(ctx context.Context, a *app) error {
	if !cmd.Strict {
		return nil
	}
	var titles []string
	for _, d := range a.databases {
		found, err := doctor.Examine(ctx, doctorConfig(d, a.permissions, d.reconciler.Files()))
		if err != nil {
			return fmt.Errorf("--strict (MCP_STRICT): %w", err)
		}
		for _, f := range found {
			if f.Severity == doctor.Danger {
				titles = append(titles, f.Title)
			}
		}
	}
	if titles == nil {
		return nil
	}
	return fmt.Errorf("--strict (MCP_STRICT): %s; mcp-postgres doctor says how to correct it", strings.Join(titles, "; "))
}

// shownObjects is how many objects people are shown of a finding; JSON has up to a thousand.
const shownObjects = 10

func doctorReport(found []doctor.Finding, strict bool) *report {
	r := &report{}
	n := map[string]int{}
	levels := map[string]string{doctor.Danger: "error", doctor.Warning: "warning", doctor.Note: "notice"}
	for _, f := range found {
		n[f.Severity]++
		var text strings.Builder
		fmt.Fprintf(&text, "%s\n", f.Detail)
		for i, o := range f.Objects {
			if i == shownObjects {
				fmt.Fprintf(&text, "  and %d more\n", len(f.Objects)-i)
				break
			}
			fmt.Fprintf(&text, "  %s\n", o)
		}
		text.WriteString(f.Fix)
		r.entries = append(r.entries, entry{
			level: levels[f.Severity], fails: f.Severity == doctor.Danger || strict && f.Severity == doctor.Warning,
			suite: "doctor", class: "doctor." + f.Severity, name: f.Title,
			title: "mcp-postgres doctor: " + f.Title, message: text.String(),
			human: f.Severity + ": " + f.Title + "\n  " + strings.ReplaceAll(text.String(), "\n", "\n  ") + "\n",
		})
	}
	dangers, warnings, notes := n[doctor.Danger], n[doctor.Warning], n[doctor.Note]
	r.summary = fmt.Sprintf("%s, %s, %s", count(dangers, "danger"), count(warnings, "warning"), count(notes, "note"))
	r.json = map[string]any{"dangers": dangers, "warnings": warnings, "notes": notes,
		"findings": append([]doctor.Finding{}, found...)}
	return r
}
