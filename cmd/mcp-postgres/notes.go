package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/reload"
	"mcp-postgres/registry"
)

type notesCmd struct {
	Schemas []string `arg:"" optional:"" name:"schema" help:"Schemas to take. Default: all but those of the system."`
}

// Run prints the file. What the folders of --tools have a note on already is left out. The exit status is 2 without a
// database.
func (cmd *notesCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	sources, err := reload.Sources(c.Tools)
	if err != nil {
		return usage(s, err)
	}
	db, err := connectTo(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if !db.Configured() {
		return usage(s, errors.New("notes are on the objects of a database: want --conn, DATABASE_URL or --demo"))
	}
	have, err := reload.Notes(db.Database, sources)
	if err != nil {
		return err
	}
	text, err := registry.StartNotes(ctx, db.DB, have, cmd.Schemas)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
