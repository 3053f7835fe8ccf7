package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/alecthomas/kong"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
)

const root = "../../"

// pages are the documents for people: README.md and its like, and all of docs.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	add := func(name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(name, root)] = string(text)
	}
	top, err := filepath.Glob(root + "*.md")
	if err != nil || len(top) == 0 {
		t.Fatalf("no pages in %s: %v", root, err)
	}
	for _, name := range top {
		add(name)
	}
	err = filepath.WalkDir(root+"docs", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") {
			add(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fence is one fenced block of a page.
type fence struct{ place, lang, body string }

func fences(page, text string) []fence {
	var list []fence
	var open *fence
	for i, line := range strings.Split(text, "\n") {
		lang, mark := strings.CutPrefix(line, "```")
		switch {
		case open != nil && mark:
			list, open = append(list, *open), nil
		case open != nil:
			open.body += line + "\n"
		case mark:
			open = &fence{place: fmt.Sprintf("%s:%d", page, i+1), lang: lang}
		}
	}
	return list
}

// allFences gives the fenced blocks of all pages in one of the languages. There must be at least as many as there were.
func allFences(t *testing.T, least int, langs ...string) []fence {
	t.Helper()
	var list []fence
	for page, text := range pages(t) {
		for _, f := range fences(page, text) {
			if slices.Contains(langs, f.lang) {
				list = append(list, f)
			}
		}
	}
	if len(list) < least {
		t.Fatalf("the pages have %d blocks of %v, want %d or more: are they read rightly?", len(list), langs, least)
	}
	return list
}

// TestDocsExamples checks the tool files of docs/examples, runs their tests, and looks for each in the README beside them.
func TestDocsExamples(t *testing.T) {
	const dir = root + "docs/examples"
	files, err := filepath.Glob(dir + "/*/*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("%s has %d tool files, want 10 or more: %v", dir, len(files), err)
	}
	db := "DATABASE_URL=" + pgtest.Demo(t)
	if got := cliRun(t, []string{db}, "check", "--strict", dir); got.status != 0 {
		t.Errorf("check --strict = %+v", got)
	}
	got := cliRun(t, []string{db}, "test", dir)
	if got.status != 0 || !strings.Contains(got.out, " 0 failed, 0 skipped") {
		t.Errorf("test = %+v", got)
	}
	notes := cliRun(t, []string{db}, "--tools", dir, "call", "search_objects", "pattern=boxes", "--json")
	if !strings.Contains(notes.out, "shop.order_items.quantity") || !strings.Contains(notes.out, "Pieces, never boxes") {
		t.Errorf("the notes of the examples are not found: %+v", notes)
	}
	index := pages(t)["docs/examples/README.md"]
	for _, file := range files {
		tool := strings.TrimSuffix(filepath.Base(file), ".sql")
		if strings.Count(got.out, "ok    "+tool+": ") < 3 {
			t.Errorf("%s has fewer than 3 tests", file)
		}
		if rel := strings.TrimPrefix(filepath.ToSlash(file), dir+"/"); !strings.Contains(index, "]("+rel+")") {
			t.Errorf("docs/examples/README.md does not name %s", rel)
		}
	}
}

// TestDocsData reads the JSON, the permissions and the prompts that the pages show.
func TestDocsData(t *testing.T) {
	for _, f := range allFences(t, 10, "json", "yaml", "markdown") {
		var err error
		switch {
		case f.lang == "json":
			for d := json.NewDecoder(strings.NewReader(f.body)); err == nil; {
				err = d.Decode(new(any))
			}
			if err == io.EOF {
				err = nil
			}
		case f.lang == "markdown":
			_, err = catalog.LoadPrompts(catalog.Source{FS: fstest.MapFS{"prompts/example.md": {Data: []byte(f.body)}}})
		case strings.HasPrefix(f.body, "# databases.yaml"):
			file := writeFile(t, filepath.Join(t.TempDir(), "databases.yaml"), f.body)
			t.Setenv("SHOP_URL", "postgres://shop")
			_, err = (&config.Config{Databases: file, PoolMax: 10}).AllDatabases()
		case strings.HasPrefix(f.place, "docs/notes.md"):
			_, _, err = catalog.LoadNotes([]catalog.Source{{FS: fstest.MapFS{"notes/a.yaml": &fstest.MapFile{Data: []byte(f.body)}}}}, "")
		case strings.Contains(f.body, "roles:"):
			_, err = guard.Parse("permissions.yaml", []byte(f.body))
		default:
			t.Errorf("%s: what is this YAML?", f.place)
		}
		if err != nil {
			t.Errorf("%s: the example does not load: %v", f.place, err)
		}
	}
}

// TestDocsSQL runs the SQL for administrators. Tool files are another test's.
func TestDocsSQL(t *testing.T) {
	url := pgtest.Demo(t)
	for _, f := range allFences(t, 3, "sql") {
		if strings.HasPrefix(f.place, "docs/tool-files.md") || strings.HasPrefix(f.body, "/*---") {
			continue
		}
		pgtest.Exec(t, url, "BEGIN; CREATE ROLE mcp_agent; CREATE TABLE notes (owner text); ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"+f.body+"\n; ROLLBACK")
	}
}

// TestDocsCommands holds the commands of the pages against the flags, arguments and targets that there are.
func TestDocsCommands(t *testing.T) {
	makefile, err := os.ReadFile(root + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, f := range allFences(t, 12, "sh", "console", "") {
		for _, words := range shellCommands(f) {
			count++
			switch words[0] {
			case "make":
				for _, w := range words[1:] {
					if !strings.Contains(w, "=") && !bytes.Contains(makefile, []byte("\n"+w+":")) {
						t.Errorf("%s: the Makefile has no target %s", f.place, w)
					}
				}
			case "mcp-postgres":
				if err := understood(words[1:]); err != nil {
					t.Errorf("%s: %q: %v", f.place, words, err)
				}
			}
		}
	}
	if count < 30 {
		t.Errorf("the pages have %d commands, want more: are they read rightly?", count)
	}
}

// understood parses a command line as the program does, and runs nothing.
func understood(args []string) error {
	c := new(cli)
	parser, err := kong.New(c, kong.Vars{"version": ""}, kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	return c.check(args)
}

var (
	shellWord = regexp.MustCompile(`(?:[^\s"'|>#;&]|"[^"]*"|'[^']*')+|[|>#;&]+`)
	assigned  = regexp.MustCompile(`^[A-Z_]+=`)
)

// shellCommands gives the words of each command of a block that starts with a program of ours, without variables before it.
func shellCommands(f fence) [][]string {
	var list [][]string
	for _, line := range strings.Split(strings.ReplaceAll(f.body, "\\\n", " "), "\n") {
		if f.lang == "console" && !strings.HasPrefix(line, "$ ") {
			continue
		}
		var words []string
		add := func() {
			if len(words) > 0 && (words[0] == "mcp-postgres" || words[0] == "make") {
				list = append(list, words)
			}
			words = nil
		}
	line:
		for _, w := range shellWord.FindAllString(strings.TrimPrefix(line, "$ "), -1) {
			switch {
			case w[0] == '#' || w[0] == '>':
				break line
			case strings.ContainsAny(w[:1], "|;&"):
				add()
			case len(words) == 0 && assigned.MatchString(w) || w == "...":
			default:
				words = append(words, strings.NewReplacer(`"`, "", `'`, "").Replace(w))
			}
		}
		add()
	}
	return list
}

// TestDocsConsole runs the commands that the pages show with what they print.
func TestDocsConsole(t *testing.T) {
	pgtest.URL(t) // skips where there is no PostgreSQL
	dir := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for page, text := range pages(t) {
		for _, f := range fences(page, text) {
			if f.lang == "sql" && strings.Contains(f.body, "Customers by") { // the first tool of a page, in the folder that the page names
				folder := map[string]string{"README.md": "tools", "docs/tool-files.md": "my-tools"}[page]
				write(folder+"/sales/top_customers.sql", strings.Replace(f.body, "description: Customers by the", "descripton: Customers by the", 1))
			}
		}
	}
	for _, f := range allFences(t, 4, "console") {
		if !strings.HasPrefix(f.body, "$ mcp-postgres ") {
			continue
		}
		t.Run(f.place, func(t *testing.T) {
			for _, part := range strings.Split(f.body, "$ ")[1:] {
				line, want, _ := strings.Cut(part, "\n")
				cmd := command(t, nil, shellCommands(fence{body: line})[0][1:]...)
				cmd.Dir = dir
				out, _ := cmd.CombinedOutput() // the status is in what it prints
				if got := strings.TrimSuffix(string(out), "\n"); got != strings.TrimSuffix(want, "\n") {
					t.Errorf("%s prints\n%s\nthe page shows\n%s", line, got, want)
				}
			}
		})
	}
}

// TestDocsResources reads what the pages show of resources, each below a comment with its URI.
func TestDocsResources(t *testing.T) {
	shown := regexp.MustCompile("(?s)<!-- resource: (\\S+) -->\n```\n(.*?)\\.\\.\\.\n```").FindAllStringSubmatch(pages(t)["docs/resources.md"], -1)
	if len(shown) == 0 {
		t.Fatal("docs/resources.md shows no resource")
	}
	s := startServer(t, []string{"DATABASE_URL=" + pgtest.Demo(t)})
	for _, m := range shown {
		s.send(`{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"` + m[1] + `"}}`)
		line, err := s.out.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Result struct{ Contents []struct{ Text string } }
		}
		if err := json.Unmarshal(line, &got); err != nil || len(got.Result.Contents) != 1 || !strings.HasPrefix(got.Result.Contents[0].Text, m[2]) {
			t.Errorf("%s is %s\nthe page shows %s", m[1], line, m[2])
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestDocsLinks follows the links of the pages to files and headings.
func TestDocsLinks(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target := page
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(root + target); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: %s has no heading for the link %s", page, target, m[1])
			}
		}
	}
}

// anchors gives the anchors of the headings of a page, as GitHub makes them.
func anchors(text string) []string {
	var list []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

var namedTest = regexp.MustCompile("`(Test[A-Za-z0-9]+)(?:/[A-Za-z]+)?`")

// TestDocsNamedTests looks for the tests that the pages name.
func TestDocsNamedTests(t *testing.T) {
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, "_test.go") {
			var text []byte
			text, err = os.ReadFile(name)
			for _, m := range declared.FindAllSubmatch(text, -1) {
				there[string(m[1])] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for page, text := range pages(t) {
		for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
			if count++; !there[m[1]] {
				t.Errorf("%s names %s, which no package has", page, m[1])
			}
		}
	}
	if count < 20 {
		t.Errorf("the pages name %d tests, want more: are they read rightly?", count)
	}
}

var namedFunction = regexp.MustCompile("\\]\\((\\S+\\.go)\\) `(?:(\\w+)\\.)?(\\w+)`")

// TestDocsArchitecture looks for the functions and fields that docs/architecture.md names behind a file, and compares its table
// of packages with the import table.
func TestDocsArchitecture(t *testing.T) {
	text := pages(t)["docs/architecture.md"]
	named := namedFunction.FindAllStringSubmatch(text, -1)
	if len(named) < 20 {
		t.Errorf("the page names %d functions, want more: is it read rightly?", len(named))
	}
	for _, m := range named {
		source, err := os.ReadFile(root + "docs/" + m[1])
		if err != nil {
			t.Error(err)
			continue
		}
		declared := `(?m)^(func|type) ` + m[3] + `\b`
		if m[2] != "" {
			declared = `(?m)^func \(\w+ \*?` + m[2] + `\) ` + m[3] + `\(|^type ` + m[2] + ` struct \{(\n[^}].*|\n)*\n\t` + m[3] + ` `
		}
		if !regexp.MustCompile(declared).Match(source) {
			t.Errorf("%s does not declare %s", m[1], m[2]+"."+m[3])
		}
	}
	for pkg, list := range imports {
		short := slices.Sorted(slices.Values(list))
		for i := range short {
			short[i] = strings.TrimPrefix(short[i], "internal/")
		}
		slices.Sort(short)
		row := regexp.MustCompile(`(?m)^\| \[` + pkg + `\]\(\.\./` + pkg + `\) \| .* \| (.*) \|$`).FindStringSubmatch(text)
		if want := strings.Join(short, ", "); row == nil || strings.TrimSpace(row[1]) != want {
			t.Errorf("%s may import %s: the page has %q", pkg, want, row)
		}
	}
}
