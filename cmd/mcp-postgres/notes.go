package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"mcp-postgres/catalog"
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
	db, have, err := connectWithNotes(ctx, c, sources, "notes are on the objects of a database", s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	text, err := registry.StartNotes(ctx, db.DB, have, cmd.Schemas)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}

// connectWithNotes opens the database that the settings name, and reads the notes on its objects. Without a database,
// why says what it is wanted for.
func connectWithNotes(ctx context.Context, c *config.Config, sources []catalog.Source, why string, s streams,
	log *slog.Logger) (*database, catalog.Notes, error) {
	db, err := connectTo(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	notes, err := reload.Notes(db.Database, sources)
	if !db.Configured() {
		err = usage(s, errors.New(why+": want --conn, DATABASE_URL or --demo"))
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.close())
	}
	return db, notes, nil
}
