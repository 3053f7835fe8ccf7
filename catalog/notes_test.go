package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
)

func notesSource(files map[string]string) []catalog.Source {
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return []catalog.Source{{Name: "tools", FS: folder}}
}

func notesOf(files map[string]string) (catalog.Notes, int, error) {
	notes, n, err := catalog.LoadNotes(notesSource(files), "")
	return notes[""], n, err
}

func every(string) bool { return true }

func TestNotes(t *testing.T) {
	notes, files, err := notesOf(map[string]string{
		"notes/b.yaml": "shop: The web shop\nshop.\"Order\"\"s\".\"the status\": |\n  P paid,\n  S \"shipped\"\n", "notes/a.yml": "# nothing yet\nshop.x: \"\"\n",
		"notes/empty.yaml": "", "notes/README.md": "x", "notes/tool.sql": "not read here", "shop/notes.yaml": "x: [",
	})
	if err != nil || files != 3 {
		t.Fatalf("LoadNotes = %d files, %v", files, err)
	}
	if got, want := string(notes.JSON(every)), `{"shop":"The web shop","shop.Order\"s.the status":"P paid,\nS \"shipped\""}`; got != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
	if got, want := string(notes.JSON(func(name string) bool { return name == "shop" })), `{"shop":"The web shop"}`; got != want {
		t.Errorf("JSON of some = %s, want %s", got, want)
	}
	if got := notes.JSON(func(string) bool { return false }); got != nil {
		t.Errorf("JSON of none = %s, want none", got)
	}
}

func TestNotesOfDatabases(t *testing.T) {
	files := map[string]string{
		"notes/a.yaml": "shop: of all\nshop.orders: of all\n", "notes/one/a.yaml": "shop: of one\n", "notes/one/b.yml": "shop.x: of one\n",
		"notes/two/a.yaml": "shop: ''\n", "notes/tow/a.yaml": "x: [", "notes/tow/deeper/a.yaml": "x: [",
	}
	sources := notesSource(files)
	notes, n, err := catalog.LoadNotes(sources, "one", "two", "three", "")
	if err != nil || n != 4 {
		t.Fatalf("LoadNotes = %d files, %v", n, err)
	}
	const all = `{"shop":"of all","shop.orders":"of all"}`
	for name, want := range map[string]string{"one": `{"shop":"of one","shop.orders":"of all","shop.x":"of one"}`, "two": all, "three": all, "": all} {
		if got := string(notes[name].JSON(every)); got != want {
			t.Errorf("notes of %q = %s, want %s", name, got, want)
		}
	}
	want := `tools/notes/tow: no database has the name "tow": did you mean "two"?`
	if got := catalog.UnknownNoteFolders(sources, []string{"one", "two"}).Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") {
		t.Errorf("UnknownNoteFolders = %s, want %s alone", got, want)
	}
	files["notes/one/c.yaml"] = "shop: again\n"
	sources = notesSource(files)
	if _, _, err := catalog.LoadNotes(sources, "two"); err != nil {
		t.Errorf("a fault in the notes of another database: %v", err)
	}
	want = "tools/notes/one/c.yaml:1:1: shop has a note in tools/notes/one/a.yaml:1:1 too: want one"
	if _, _, err := catalog.LoadNotes(sources, "two", "one"); err == nil || err.Error() != want {
		t.Errorf("a fault = %v, want %s", err, want)
	}
}

func TestNotesFaults(t *testing.T) {
	long := strings.Repeat("x", 600_000)
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no mapping", map[string]string{"notes/a.yaml": "- shop: x\n"}, "notes/a.yaml:1:1: the file is a list: want names with texts, such as shop.orders.status: P paid, S shipped"},
		{"nested", map[string]string{"notes/a.yaml": "shop: {orders: x}\n"}, "notes/a.yaml:1:7: the note on shop is a mapping: want text"},
		{"number", map[string]string{"notes/a.yaml": "shop.orders: 1\n"}, `notes/a.yaml:1:14: the note on shop.orders is the number 1: want text, in quotes: "1"`},
		{"nothing", map[string]string{"notes/a.yaml": "shop.orders: #1 by revenue\n"}, "notes/a.yaml:1:13: the note on shop.orders is null: want text; a text with # in it needs quotes"},
		{"blank", map[string]string{"notes/a.yaml": "shop: ' '\n"}, "notes/a.yaml:1:7: the note on shop is blank: want text"},
		{"name", map[string]string{"notes/a.yaml": "shop..x: x\n"}, `notes/a.yaml:1:1: name "shop..x": want schema, schema.table, schema.table.column, schema.type or schema.function()`},
		{"zero byte", map[string]string{"notes/a.yaml": `"shop\0": x`}, `notes/a.yaml:1:1: name "shop\x00": want schema, schema.table, schema.table.column, schema.type or schema.function()`},
		{"zero byte in the text", map[string]string{"notes/a.yaml": `shop: "x\0"`}, "notes/a.yaml:1:7: the note on shop holds a zero byte: want text"},
		{"anchor", map[string]string{"notes/a.yaml": "shop: &a x\n"}, "notes/a.yaml:1:7: YAML anchor &a: want the value without it"},
		{"colon", map[string]string{"notes/a.yaml": "shop: P: paid\n"}, `notes/a.yaml:1:1: YAML syntax: mapping values are not allowed in this context: a text with ": " in it needs quotes`},
		{"twice", map[string]string{"notes/a.yaml": "a: x\na: y\n"}, `notes/a.yaml:2:1: key "a" is in the file twice: want it once`},
		{"twice, in quotes", map[string]string{"notes/a.yaml": "a.b: x\n'\"a\".b': y\n"}, "notes/a.yaml:2:1: a.b has a note in tools/notes/a.yaml:1:1 too: want one"},
		{"in two files", map[string]string{"notes/a.yaml": "# a\na.b: x\n", "notes/b.yaml": "a.b: x\n"}, "notes/b.yaml:1:1: a.b has a note in tools/notes/a.yaml:2:1 too: want one"},
		{"large file", map[string]string{"notes/a.yaml": "a: " + long + long}, "notes/a.yaml: reading the file: 1200003 bytes: want at most 1048576"},
		{"large together", map[string]string{"notes/a.yaml": "a: " + long, "notes/b.yaml": "b: " + long + "\nc: x\n"},
			"notes/b.yaml:1:1: with this one the notes are larger than 1048576 bytes: want less"},
	}
	for _, test := range tests {
		notes, _, err := notesOf(test.files)
		var found faults.List
		if !errors.As(err, &found) || notes != nil || found.Error() != "tools/"+test.want {
			t.Errorf("%s: LoadNotes = %v, want tools/%s", test.name, err, test.want)
		}
	}
	if _, found := catalog.Parse("a.sql", "x", []byte("/*---\ndescription: x\nparams: [{name: notes, type: string}]\n---*/\nSELECT @notes\n")); found == nil ||
		!strings.Contains(found.Error(), `param name "notes": want another, @notes are the notes on objects of the database`) {
		t.Errorf("Parse of a parameter notes = %v", found)
	}
}
