package registry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// The examples of docs/tool-files.md. A fenced sql block below a line with nothing but `path.sql` is a tool file; a text
// block behind it holds its faults. A jsonc block starts with "// tool {arguments}" or "// input schema: tool".

const (
	docPath = "../docs/tool-files.md"
	toolDir = "my-tools" // what the document calls the folder
)

// block is one fenced block.
type block struct {
	line             int
	lang, path, body string // path is that of the file above it
}

var filePath = regexp.MustCompile("^`([a-z_]+/[a-z_]+\\.sql)`$")

func readDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(doc string) []block {
	var list []block
	var open *block
	above := ""
	for i, line := range strings.Split(doc, "\n") {
		lang, isFence := strings.CutPrefix(line, "```")
		switch {
		case open != nil && isFence:
			list, open, above = append(list, *open), nil, ""
		case open != nil:
			open.body += line + "\n"
		case isFence:
			open = &block{line: i + 1, lang: lang}
			if at := filePath.FindStringSubmatch(above); at != nil {
				open.path = at[1]
			}
		case line != "":
			above = line
		}
	}
	return list
}

// docFiles splits the tool files of the document into those that load and those that are shown with their faults.
func docFiles(list []block) (good fstest.MapFS, bad map[block]string) {
	good, bad = fstest.MapFS{}, map[block]string{}
	for i, b := range list {
		switch {
		case b.lang != "sql" || b.path == "":
		case i+1 < len(list) && list[i+1].lang == "text":
			bad[b] = strings.TrimSuffix(list[i+1].body, "\n")
		default:
			good[b.path] = &fstest.MapFile{Data: []byte(b.body)}
		}
	}
	return good, bad
}

// docRegistry offers the files on a database of its own, as each example runs on fresh sample data.
func docRegistry(t *testing.T, files fstest.MapFS) (*registry.Registry, *postgres.DB) {
	t.Helper()
	cat, err := catalog.Load(catalog.Source{FS: os.DirFS("../sql")}, catalog.Source{Name: toolDir, FS: files})
	if err != nil {
		t.Fatalf("loading the tools of %s:\n%v", docPath, err)
	}
	db := openDB(t, pgtest.Demo(t))
	r, err := registry.Build(registry.Config{DB: db, Logger: silent()}, registry.Set{Tools: cat.Tools})
	if err != nil {
		t.Fatal(err)
	}
	return r, db
}

var exampleLine = regexp.MustCompile(`^// (?:(input|output) schema: )?([a-z_]+)(?: (\{.*\}))?\n`)

func TestDocExamples(t *testing.T) {
	list := blocks(readDoc(t))
	files, _ := docFiles(list)
	count := 0
	for _, b := range list {
		if b.lang != "jsonc" {
			continue
		}
		count++
		t.Run(fmt.Sprint("line ", b.line), func(t *testing.T) {
			t.Parallel()
			example(t, files, b)
		})
	}
	if len(files) < 5 || count < 15 {
		t.Errorf("%s has %d tool files and %d examples, want more: is it read rightly?", docPath, len(files), count)
	}
}

func example(t *testing.T, files fstest.MapFS, b block) {
	t.Helper()
	at := exampleLine.FindStringSubmatch(b.body)
	if at == nil {
		t.Fatalf("line %d: want // tool {arguments} on its first line", b.line)
	}
	want, schema, name, args := strings.TrimPrefix(b.body, at[0]), at[1], at[2], at[3]
	r, db := docRegistry(t, files)
	if schema == "" {
		got, _ := call(t, r, name, args)
		if compact(t, got) != compact(t, want) {
			t.Errorf("%s(%s) = %s\nwant %s", name, args, got, compact(t, want))
		}
		return
	}
	tool, _, ok := r.Tool(name)
	if !ok {
		t.Fatalf("no tool %q", name)
	}
	got := marshal(t, registry.InputSchema(tool))
	if schema == "output" {
		d, err := db.Describe(t.Context(), tool.Statement.SQL)
		if err != nil {
			t.Fatal(err)
		}
		output, err := registry.OutputSchema(tool, d.Columns)
		if err != nil {
			t.Fatal(err)
		}
		got = string(output)
	}
	if diff := cmp.Diff(decode(t, want), decode(t, got)); diff != "" {
		t.Errorf("%s schema of %s is %s (-document +program):\n%s", schema, name, got, diff)
	}
}

func TestDocFaults(t *testing.T) {
	_, bad := docFiles(blocks(readDoc(t)))
	if len(bad) < 2 {
		t.Errorf("%s has %d files with faults, want more: is it read rightly?", docPath, len(bad))
	}
	for b, want := range bad {
		if got := faultsOf(t, b); got != want {
			t.Errorf("line %d: faults of %s are\n%s\nwant\n%s", b.line, b.path, got, want)
		}
	}
}

// faultsOf gives the faults of the text, or else what the database says of the statement.
func faultsOf(t *testing.T, b block) string {
	t.Helper()
	cat, err := catalog.Load(catalog.Source{Name: toolDir, FS: fstest.MapFS{b.path: {Data: []byte(b.body)}}})
	if err != nil {
		return err.Error()
	}
	tool := cat.Tools[0]
	d, err := registry.Describe(t.Context(), openDB(t, pgtest.Demo(t)), tool, false)
	if err != nil {
		return err.Error()
	}
	return d.Faults.Error()
}

// tables gives the rows of each table whose header starts with these cells.
func tables(t *testing.T, doc string, header ...string) [][]string {
	t.Helper()
	var rows [][]string
	in := false
	for line := range strings.SplitSeq(doc, "\n") {
		inner, isRow := strings.CutPrefix(line, "| ")
		cells := strings.Split(strings.TrimSuffix(inner, " |"), " | ")
		switch {
		case !isRow:
			in = in && strings.HasPrefix(line, "|")
		case !in:
			in = len(cells) >= len(header) && slices.Equal(cells[:len(header)], header)
		default:
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table of %q", docPath, header)
	}
	return rows
}

func TestDocTypes(t *testing.T) {
	rows := tables(t, readDoc(t), "Type", "JSON Schema", "PostgreSQL", "An argument")
	files := fstest.MapFS{}
	for i, row := range rows {
		files[fmt.Sprintf("type_%d.sql", i)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"/*---\ndescription: x\nparams: [{name: p, type: %q}]\n---*/\nSELECT @p", code(row[0]))}
	}
	r, _ := docRegistry(t, files)
	for i, row := range rows {
		schema, cast, argument := code(row[1]), code(row[2]), code(row[3])
		tool, _, _ := r.Tool(fmt.Sprintf("type_%d", i))
		if got, want := tool.Statement.SQL, "SELECT $1::"+cast; got != want {
			t.Errorf("@p of type %s compiles to %q, want %q", row[0], got, want)
		}
		got := marshal(t, registry.InputSchema(tool).Properties.Value("p"))
		if diff := cmp.Diff(decode(t, schema), decode(t, got)); diff != "" {
			t.Errorf("schema of %s (-document +program):\n%s", row[0], diff)
		}
		if got, isError := call(t, r, tool.Name, `{"p": `+argument+`}`); isError {
			t.Errorf("calling with %s of type %s = %s, want an answer", argument, row[0], got)
		}
	}
}

// TestDocTaken calls with values of another type.
func TestDocTaken(t *testing.T) {
	rows := tables(t, readDoc(t), "Type", "Given", "Taken as")
	files := fstest.MapFS{}
	for i, row := range rows {
		files[fmt.Sprintf("taken_%d.sql", i)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"/*---\ndescription: x\nresult: value\nparams: [{name: p, type: %q}]\n---*/\nSELECT @p", code(row[0]))}
	}
	r, _ := docRegistry(t, files)
	for i, row := range rows {
		got, _ := call(t, r, fmt.Sprintf("taken_%d", i), `{"p": `+code(row[1])+`}`)
		if want := compact(t, `{"value":`+code(row[2])+`}`); compact(t, got) != want {
			t.Errorf("%s given %s = %s, want %s", row[0], row[1], got, want)
		}
	}
}

func TestDocValues(t *testing.T) {
	rows := tables(t, readDoc(t), "PostgreSQL", "In JSON", "SQL", "Answer")
	files := fstest.MapFS{}
	for i, row := range rows {
		files[fmt.Sprintf("value_%d.sql", i)] = &fstest.MapFile{
			Data: []byte("/*---\ndescription: x\nresult: value\n---*/\nSELECT " + code(row[2])),
		}
	}
	r, _ := docRegistry(t, files)
	for i, row := range rows {
		got, _ := call(t, r, fmt.Sprintf("value_%d", i), "{}")
		if want := compact(t, `{"value":`+code(row[3])+`}`); got != want {
			t.Errorf("SELECT %s = %s, want %s", code(row[2]), got, want)
		}
	}
}

// TestDocFragments compares the table of fragments with the columns that the database describes, and with the known names.
func TestDocFragments(t *testing.T) {
	db := openDB(t, pgtest.Demo(t))
	var names []string
	for _, row := range tables(t, readDoc(t), "Fragment", "Rows", "Columns", "Parameters") {
		name := code(row[0])
		names = append(names, name)
		head := "description: x\nuse: [" + name + "]\n"
		if len(row) > 3 {
			head += "params: [{name: table_name, type: string}, {name: schema, type: string}]\n"
		}
		tool, faults := catalog.Parse("x.sql", "x", []byte("/*---\n"+head+"---*/\nSELECT * FROM "+name))
		if faults != nil {
			t.Fatal(faults)
		}
		d, err := db.Describe(t.Context(), tool.Statement.SQL)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range d.Columns {
			got = append(got, "`"+c.Name+"`")
		}
		if name == "target" {
			continue // those of relation
		}
		if want := strings.Join(got, ", "); strings.TrimRight(row[2], " |") != want {
			t.Errorf("columns of %s are %s, want %s", name, row[2], want)
		}
	}
	_, faults := catalog.Parse("x.sql", "x", []byte("/*---\ndescription: x\nuse: [zzz]\n---*/\nSELECT 1"))
	slices.Sort(names)
	if want := "want " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]; !strings.HasSuffix(faults.Error(), want) {
		t.Errorf("the document has the fragments %v, the catalog says %v", names, faults)
	}
}

// TestDocKeys compares the tables of keys with what the catalog says of a key that it doesn't know.
func TestDocKeys(t *testing.T) {
	doc := readDoc(t)
	for _, keys := range []struct{ section, title, header string }{
		{"Header keys", "Key", "zzz: 1"}, {"Parameters", "Key", "params: [{zzz: 1}]"}, {"Pages", "Key", "page: {zzz: 1}"},
		{"Not found", "Key", "not_found: {zzz: 1}"}, {"Limits", "Key", "limits: {zzz: 1}"},
		{"Needs and roles", "Key of `requires`", "requires: {zzz: 1}"}, {"Examples", "Key", "examples: [{zzz: 1, args: {}}]"},
		{"Tests", "Key", "tests: [{zzz: 1}]"}, {"Tests", "Key of `expect`", "tests: [{expect: {zzz: 1}}]"},
	} {
		section, header := keys.section, keys.header
		_, text, ok := strings.Cut(doc, "\n## "+section+"\n")
		if !ok {
			t.Fatalf("%s has no section %s", docPath, section)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		text, _, _ = strings.Cut(text, "\n### ")
		var got []string
		for _, row := range tables(t, text, keys.title, "Meaning") {
			got = append(got, code(row[0]))
		}
		_, faults := catalog.Parse("x.sql", "x", []byte("/*---\ndescription: x\n"+header+"\n---*/\nSELECT 1"))
		var want []string
		if at := unknownKey.FindStringSubmatch(faults.Error()); at != nil {
			want = append(strings.Split(at[1], ", "), at[2])
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("keys in %q are %q, want %q", section, got, want)
		}
	}
}

var unknownKey = regexp.MustCompile(`(?m)unknown key "zzz" in .*: want (.*) or (.*)$`)

// code takes the marks of code off a cell.
func code(cell string) string { return strings.Trim(cell, "`") }

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return b.String()
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDocPermissions sends the statements of docs/permissions.md as the role of the file there.
func TestDocPermissions(t *testing.T) {
	doc, err := os.ReadFile("../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(doc)
	i := slices.IndexFunc(blocks(page), func(b block) bool { return b.lang == "yaml" })
	rules, err := guard.Parse("permissions.yaml", []byte(blocks(page)[i].body))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := docRegistry(t, nil)
	ctx := guard.WithCaller(t.Context(), &guard.Caller{Sub: "alice@company.com", Role: rules.Role("analyst")})
	for _, row := range tables(t, page, "`query`", "answer, with the code `forbidden`") {
		res, err := r.Call(ctx, "query", json.RawMessage(marshal(t, map[string]string{"sql": code(row[0])})))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); res.Err == nil || !strings.HasPrefix(got, row[1]) {
			t.Errorf("%s = %s\nthe page says %s", row[0], got, row[1])
		}
	}
}
