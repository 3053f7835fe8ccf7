package registry_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// openDB gives a DB on url; an empty url is no database.
func openDB(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Logger: silent()})
	if err != nil {
		t.Fatalf("opening the database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// build makes a registry of the tools that are offered by default and of files (path to text).
func build(t *testing.T, c registry.Config, files map[string]string) *registry.Registry {
	t.Helper()
	return buildSet(t, c, registry.Set{}, files, "explore")
}

// buildAll is build with every embedded toolset.
func buildAll(t *testing.T, c registry.Config, files map[string]string) *registry.Registry {
	t.Helper()
	return buildSet(t, c, registry.Set{}, files, allSets...)
}

// allSets are the embedded toolsets.
var allSets = []string{"explore", "inspect", "performance", "health"}

// buildSet makes a registry of a set, with the tools of embedded toolsets and of files.
func buildSet(t *testing.T, c registry.Config, s registry.Set, files map[string]string, embedded ...string) *registry.Registry {
	t.Helper()
	extra := fstest.MapFS{}
	for path, text := range files {
		extra[path] = &fstest.MapFile{Data: []byte(text)}
	}
	cat, err := catalog.Load(catalog.Source{FS: os.DirFS("../sql")}, catalog.Source{Name: "test", FS: extra})
	if err != nil {
		t.Fatalf("loading tools:\n%v", err)
	}
	c.Logger = silent()
	s.Tools = slices.DeleteFunc(cat.Tools, func(tool *catalog.Tool) bool { return tool.Source == "" && !slices.Contains(embedded, tool.Toolset) })
	r, err := registry.Build(c, s)
	if err != nil {
		t.Fatalf("building the registry: %v", err)
	}
	return r
}

// loadPrompts reads prompt files (name to text).
func loadPrompts(t *testing.T, texts map[string]string) []*catalog.Prompt {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range texts {
		files["prompts/"+name+".md"] = &fstest.MapFile{Data: []byte(text)}
	}
	prompts, err := catalog.LoadPrompts(catalog.Source{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	return prompts
}

// call gives the structured answer of a tool, its error in the same form, or its text where there is neither.
func call(t *testing.T, r *registry.Registry, name, args string) (answer string, isError bool) {
	t.Helper()
	res, err := r.Call(t.Context(), name, json.RawMessage(args))
	if err != nil {
		t.Fatalf("Call(%s): %v", name, err)
	}
	if body := res.Body(); body != nil {
		return string(body), res.Err != nil
	}
	return text(t, res), res.Err != nil
}

// text joins the text blocks of a result.
func text(t *testing.T, res *registry.Answer) string {
	t.Helper()
	return strings.Join(res.Texts, "")
}

// cpuTime is the time that this process has worked: unlike the clock, it does not run while others do.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
