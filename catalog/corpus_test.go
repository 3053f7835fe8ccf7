package catalog_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestBadFiles(t *testing.T) {
	bad := os.DirFS("testdata/bad")
	_, err := catalog.Load(catalog.Source{Name: "bad", FS: bad})
	var found faults.List
	if !errors.As(err, &found) {
		t.Fatalf("Load(bad) = %v, want faults.List", err)
	}
	golden(t, "testdata/bad.golden", found.Error()+"\n")
	for _, name := range sqlFiles(t, bad) {
		if folder, _, _ := strings.Cut(name, "/"); !strings.Contains(found.Error(), "bad/"+name) &&
			!strings.Contains(found.Error(), "bad/"+folder+":") {
			t.Errorf("Load(bad) finds nothing wrong with %s", name)
		}
	}
}

func TestGoodFiles(t *testing.T) {
	c, err := catalog.Load(catalog.Source{FS: os.DirFS("testdata/good")})
	if err != nil {
		t.Fatalf("Load(good):\n%v", err)
	}
	var b strings.Builder
	for _, tool := range c.Tools {
		dump(&b, tool)
	}
	golden(t, "testdata/good.golden", b.String())
}

// dump writes the statements of a tool as text, for review, and the rest of it as JSON.
func dump(b *strings.Builder, tool *catalog.Tool) {
	fmt.Fprintf(b, "==== %s (%s)\n", tool.Name, tool.Path)
	write := func(what string, st catalog.Statement) {
		if st.SQL != "" {
			fmt.Fprintf(b, "-- %s%q\n%s\n", what, st.Args, st.SQL)
		}
	}
	rest := *tool
	write("statement", tool.Statement)
	if tool.Page != nil {
		write("first", tool.Page.First)
		write("next", tool.Page.Next)
		page := *tool.Page
		page.First, page.Next = catalog.Statement{}, catalog.Statement{}
		rest.Page = &page
	}
	if tool.NotFound != nil {
		write("when", tool.NotFound.When)
		write("suggest", tool.NotFound.Suggest)
		rest.NotFound = &catalog.NotFound{Message: tool.NotFound.Message}
	}
	rest.Statement, rest.SQL = catalog.Statement{}, ""
	text, err := json.MarshalIndent(rest, "", "  ")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(b, "%s\n", text)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); rewrite it with go test -update:\n%s", file, diff)
	}
}

func sqlFiles(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(fsys, ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err == nil && e.IsDir() && strings.HasPrefix(e.Name(), ".") && p != ".":
			return fs.SkipDir
		case err == nil && strings.HasSuffix(p, ".sql"):
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
