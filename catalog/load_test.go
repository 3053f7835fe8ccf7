package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
)

const plain = "/*---\ndescription: A tool.\n---*/\nSELECT 1\n"

func files(texts map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// shelf writes the tools of a catalog as name=toolset@path.
func shelf(c *catalog.Catalog) []string {
	var all []string
	for _, t := range c.Tools {
		all = append(all, t.Name+"="+t.Toolset+"@"+t.Path)
	}
	return all
}

func TestLoad(t *testing.T) {
	c, err := catalog.Load(
		catalog.Source{FS: files(map[string]string{
			"explore/b.sql": plain, "explore/a.sql": plain, "health/c.sql": plain, "README.md": "x", "health/notes.txt": "x",
			".git/x.sql": "x", "explore/.b.sql.swp": "x", "explore/.x.sql": "x", "explore/pictures/a.png": "x",
			"Not-A-Toolset/readme.txt": "x", "explore/d.SQL": "x",
		})},
		catalog.Source{Name: "/etc/tools/", FS: files(map[string]string{"mine.sql": plain, "explore/c.sql": plain})},
		catalog.Source{Name: "more", FS: files(map[string]string{"other/c.sql": plain})},
	)
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	want := []string{"a=explore@explore/a.sql", "b=explore@explore/b.sql", "c=other@more/other/c.sql",
		"mine=custom@/etc/tools/mine.sql"}
	if diff := cmp.Diff(want, shelf(c)); diff != "" {
		t.Errorf("Load gives the tools (-want +got):\n%s", diff)
	}
	replaced := []catalog.Replacement{
		{Name: "c", New: "/etc/tools/explore/c.sql", Old: "health/c.sql"},
		{Name: "c", New: "more/other/c.sql", Old: "/etc/tools/explore/c.sql"},
	}
	if diff := cmp.Diff(replaced, c.Replaced); diff != "" {
		t.Errorf("Load gives Replaced (-want +got):\n%s", diff)
	}
	if got := c.Tool("c"); got == nil || got.Toolset != "other" {
		t.Errorf("Tool(c) = %+v, want that of more", got)
	}
	if got := c.Tool("nothing"); got != nil {
		t.Errorf("Tool(nothing) = %+v, want nil", got)
	}
}

func TestLoadNothing(t *testing.T) {
	c, err := catalog.Load()
	if err != nil || len(c.Tools) != 0 {
		t.Errorf("Load() = %v, %v, want an empty catalog", c, err)
	}
}

func TestLoadFaults(t *testing.T) {
	_, err := catalog.Load(
		catalog.Source{Name: "z", FS: files(map[string]string{
			"a/x.sql": plain, "b/x.sql": plain, "big.sql": plain + strings.Repeat("-", 256<<10),
			"a/b/c/deep.sql": plain, "Bad Name/y.sql": plain,
		})},
		catalog.Source{Name: "a", FS: files(map[string]string{"query.sql": "SELECT 1", "x.sql": ""})},
		catalog.Source{Name: "gone", FS: os.DirFS("testdata/gone")},
	)
	want := `a/query.sql:1:1: no header: want /*--- on the first line
a/x.sql:1:1: no header: want /*--- on the first line
gone: reading the folder: no such file or directory
z/Bad Name: folder name "Bad Name": want ^[a-z][a-z0-9_-]{0,63}$
z/a/b/c/deep.sql: file lies too deep: want <toolset>/<tool>.sql
z/b/x.sql:1:1: tool "x" is also in z/a/x.sql: want each name once
z/big.sql: reading the file: 262186 bytes: want at most 262144`
	var found faults.List
	if !errors.As(err, &found) {
		t.Fatalf("Load = %v, want faults.List", err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("Load faults (-want +got):\n%s", diff)
	}
}

// TestLoadConfigMap lays the files out as Kubernetes mounts a ConfigMap: links to links into a hidden folder.
func TestLoadConfigMap(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(plain), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("..2026_01_01/mine.sql")
	write("..2026_01_01/orders/theirs.sql")
	link("..2026_01_01", "..data")
	link("..data/mine.sql", "mine.sql")
	link("..data/orders", "orders")
	c, err := catalog.Load(catalog.Source{Name: "t", FS: os.DirFS(dir)})
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	want := []string{"mine=custom@t/mine.sql", "theirs=orders@t/orders/theirs.sql"}
	if diff := cmp.Diff(want, shelf(c)); diff != "" {
		t.Errorf("Load gives the tools (-want +got):\n%s", diff)
	}

	link("..data/gone.sql", "gone.sql")
	link(".", "orders/loop")
	_, err = catalog.Load(catalog.Source{Name: "t", FS: os.DirFS(dir)})
	faults := "t/gone.sql: reading the file: no such file or directory\n" +
		"t/orders/loop/theirs.sql: file lies too deep: want <toolset>/<tool>.sql"
	if diff := cmp.Diff(faults, err.Error()); diff != "" {
		t.Errorf("Load with a dangling link and a loop (-want +got):\n%s", diff)
	}
}
