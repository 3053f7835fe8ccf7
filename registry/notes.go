package registry

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// notes are those in use, ready to be bound.
type notes struct{ bound atomic.Pointer[boundNotes] }

type boundNotes struct {
	all  catalog.Notes
	text []byte // of all; nil for none
}

func everyNote(string) bool { return true }

// shownTo are the notes that the caller may be told, as @notes has them.
func (n *notes) shownTo(ctx context.Context) []byte {
	b := n.bound.Load()
	role, on := roleOf(ctx)
	if !on || b.text == nil {
		return b.text
	}
	return b.all.JSON(role.SeesNote)
}

// notesSQL are the objects of which notes are missing, and the notes whose objects are.
var (
	//go:embed notes_start.sql
	notesStartSQL string
	//go:embed notes_unknown.sql
	notesUnknownSQL string
)

// StartNotes writes a file of notes to fill in, with the objects that have neither a comment nor one of the notes; of
// some schemas, or of all but those of the system. A schema that is not there is an error.
func StartNotes(ctx context.Context, db Database, have catalog.Notes, schemas []string) (string, error) {
	var found firstColumn
	args := [][]byte{have.JSON(everyNote), nil}
	if len(schemas) > 0 {
		args[1] = pgtext.Array(schemas)
	}
	if _, err := db.Run(ctx, postgres.Call{SQL: notesStartSQL, Args: args}, &found); err != nil {
		return "", err
	}
	for _, schema := range schemas {
		if known := found.values[1:]; !slices.Contains(known, schema) {
			return "", fmt.Errorf("there is no schema %q%s", schema, faults.DidYouMean(schema, known))
		}
	}
	return found.values[0], nil
}

// UnknownNotes are the faults of the notes on objects that the database does not have. The first of them, hints in
// number, name the nearest object that it has. With several databases another one may have the objects of notes for
// all: those are warnings.
func UnknownNotes(ctx context.Context, db Database, all catalog.Notes, hints int, several bool) (faults.List, error) {
	if len(all) == 0 {
		return nil, nil
	}
	near := map[string][]string{} // the nearest names, by the one that is not known
	call := postgres.Call{SQL: notesUnknownSQL, Args: [][]byte{all.JSON(everyNote), strconv.AppendInt(nil,
		int64(hints), 10)}}
	if _, err := db.Run(ctx, call, postgres.EachRow(func(row [][]byte) {
		near[string(row[0])] = append(near[string(row[0])], string(row[1]))
	})); err != nil {
		return nil, fmt.Errorf("asking about notes: %w", err)
	}
	var list faults.List
	for _, note := range all {
		if near, unknown := near[note.Name]; unknown {
			fault := note.Fault("note on %s: the database has no such object%s", note.Name, faults.DidYouMean(note.Name, near))
			if several && !note.Own {
				fault.Rule = catalog.UnknownNote
			}
			list = append(list, fault)
		}
	}
	return list, nil
}
