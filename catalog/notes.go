package catalog

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/pgtext"
)

// Note is what an operator says of an object of the database, beside its comment.
type Note struct {
	// Name is schema, schema.table, schema.table.column, schema.type or schema.function(), as the catalogs have the
	// names: without quotes.
	Name, Text string
	// Own says that the note is of the one database, not of all.
	Own bool

	path      string
	line, col int
}

// Fault is a fault at the note.
func (n Note) Fault(format string, args ...any) faults.Fault {
	return faults.Fault{Path: n.path, Line: n.line, Col: n.col, Problem: fmt.Sprintf(format, args...)}
}

// Notes are those of all files, sorted by name; no name is there twice.
type Notes []Note

// ArgNotes is the name in Statement.Args of the notes, as Notes.JSON gives them.
const ArgNotes = "notes"

// JSON is an object of the texts by name, of the notes that keep wants; nil for none.
func (n Notes) JSON(keep func(name string) bool) []byte {
	var object []byte
	for _, note := range n {
		if !keep(note.Name) {
			continue
		}
		object = append(object, ',')
		object = pgtext.AppendJSON(object, note.Name)
		object = append(object, ':')
		object = pgtext.AppendJSON(object, note.Text)
	}
	if object == nil {
		return nil
	}
	object[0] = '{'
	return append(object, '}')
}

const (
	// notesFolder is the folder of a Source that holds its files of notes, and a folder for each database that has notes
	// of its own.
	notesFolder = "notes"
	// maxNotes bounds a file of notes, and the names and texts of all files together, in bytes.
	maxNotes = 1 << 20
)

// LoadNotes reads notes/*.yaml of every source, and notes/NAME/*.yaml of the databases, and gives the notes of each
// database; one without a name has those of all. A note of the database's own counts instead of one for all. A name in
// two files of a kind is a fault of the later one. When anything is wrong there are no notes and the error is
// faults.List. files is how many were read.
func LoadNotes(sources []Source, databases ...string) (of map[string]Notes, files int, err error) {
	common := notesReader{byName: map[string]Note{}}
	common.folders(sources, notesFolder)
	found, files := common.faults, common.files
	of = map[string]Notes{}
	for _, database := range databases {
		own := notesReader{byName: map[string]Note{}, own: true, size: common.size}
		if database != "" {
			own.folders(sources, path.Join(notesFolder, database))
		}
		found, files = append(found, own.faults...), files+own.files
		all := maps.Clone(common.byName)
		maps.Copy(all, own.byName)
		of[database] = slices.SortedFunc(maps.Values(all), func(a, b Note) int { return strings.Compare(a.Name, b.Name) })
	}
	if len(found) > 0 {
		found.Sort()
		return nil, files, found
	}
	return of, files, nil
}

// UnknownNoteFolders warns of the folders of notes that have the name of no database.
func UnknownNoteFolders(sources []Source, databases []string) (found faults.List) {
	for _, s := range sources {
		l := &loader{source: s}
		if !l.isDir(notesFolder) {
			continue
		}
		for _, name := range l.list(notesFolder) {
			if folder := path.Join(notesFolder, name); l.isDir(folder) && !slices.Contains(databases, name) {
				found = append(found, faults.Fault{Path: l.shown(folder), Rule: UnknownNote,
					Problem: fmt.Sprintf("no database has the name %q%s", name, faults.DidYouMean(name, databases))})
			}
		}
	}
	return found
}

// UnknownNote is the rule of warnings about notes that no database may have the object of.
const UnknownNote = "unknown_note"

// notesReader collects the notes of all files of a kind.
type notesReader struct {
	byName      map[string]Note
	own         bool
	size, files int
	faults      faults.List
}

func (r *notesReader) folders(sources []Source, folder string) {
	for _, s := range sources {
		l := &loader{source: s}
		if l.isDir(folder) {
			r.folder(l, folder)
		}
		r.faults = append(r.faults, l.faults...)
	}
}

func (r *notesReader) folder(l *loader, folder string) {
	for _, name := range l.list(folder) {
		name = path.Join(folder, name)
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" || l.isDir(name) {
			continue
		}
		r.files++
		text, err := l.read(name, maxNotes)
		if err != nil {
			l.fault(name, "reading the file: %v", cause(err))
			continue
		}
		f := faults.NewFile(l.shown(name), string(text))
		r.read(f)
		l.faults = append(l.faults, f.Faults...)
	}
}

// quotedPart is a part of a name that is written in quotes, as SQL has it.
var quotedPart = regexp.MustCompile(`"((?:[^"]|"")+)"`)

func (r *notesReader) read(f *faults.File) {
	root := f.Document(maxNotes, "")
	if root == nil {
		return
	}
	entries, _ := f.Entries(root, "the file", "names with texts, such as shop.orders.status: P paid, S shipped")
	for _, e := range entries {
		note := Note{Own: r.own, path: f.Path, line: e.Key.Line, col: e.Key.Column}
		note.Name = quotedPart.ReplaceAllStringFunc(e.Key.Value, pgtext.Unquote)
		old, twice := r.byName[note.Name]
		switch {
		case slices.Contains(strings.Split(note.Name, "."), ""), strings.IndexByte(note.Name, 0) >= 0:
			f.AddNode(e.Key, "name %q: want schema, schema.table, schema.table.column, schema.type or schema.function()",
				e.Key.Value)
			continue
		case twice:
			f.AddNode(e.Key, "%s has a note in %s:%d:%d too: want one", note.Name, old.path, old.line, old.col)
			continue
		}
		if faults.IsText(e.Value) && e.Value.Value == "" { // as mcp-postgres notes writes them, to be filled in
			continue
		}
		note.Text = strings.TrimSpace(f.TextOf(e.Value, "the note on "+note.Name))
		within := r.size <= maxNotes
		if r.size += len(note.Name) + len(note.Text); within && r.size > maxNotes {
			f.AddNode(e.Key, "with this one the notes are larger than %d bytes: want less", maxNotes)
		}
		r.byName[note.Name] = note
	}
}
