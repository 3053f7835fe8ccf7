package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports is the import direction of the design: what each package of ours may import of ours. A new edge is a design
// change. Nothing imports cmd or internal/generate.
var imports = map[string][]string{
	"sql":                    {},
	"internal/config":        {"internal/faults"},
	"internal/sqlscan":       {},
	"internal/pgtext":        {},
	"internal/faults":        {},
	"catalog":                {"internal/faults", "internal/pgtext", "internal/sqlscan"},
	"internal/postgres":      {"internal/pgtext", "internal/redact"},
	"internal/demo":          {},
	"internal/test/pgtest":   {"internal/demo"},
	"internal/test/oidctest": {"internal/test/pgtest"},
	"internal/plan":          {"internal/pgtext", "internal/sqlscan"},
	"internal/guard":         {"catalog", "internal/faults", "internal/pgtext", "internal/postgres", "internal/sqlscan"},
	"internal/auth":          {"internal/guard", "internal/redact"},
	"internal/serve":         {"internal/auth", "internal/guard", "internal/observe", "internal/pgtext", "internal/postgres", "internal/process", "registry"},
	"internal/observe":       {"internal/guard", "internal/postgres", "internal/sqlscan"},
	"internal/reload":        {"catalog", "internal/config", "internal/faults", "internal/guard", "internal/observe", "internal/postgres", "registry", "sql"},
	"internal/doctor":        {"internal/guard", "internal/pgtext", "internal/postgres", "internal/reload", "internal/sqlscan"},
	"internal/tooltest":      {"catalog", "internal/faults", "internal/guard", "internal/pgtext", "internal/postgres", "registry"},
	"internal/redact":        {},
	"internal/process":       {},
	"registry":               {"catalog", "internal/faults", "internal/guard", "internal/observe", "internal/pgtext", "internal/plan", "internal/postgres", "internal/sqlscan", "sql"},
	"cmd/mcp-postgres": {"catalog", "internal/auth", "internal/config", "internal/demo", "internal/doctor", "internal/faults", "internal/postgres",
		"internal/observe", "internal/process", "internal/redact", "internal/reload", "internal/sqlscan", "internal/serve", "internal/tooltest", "registry", "sql"},
	"internal/test/hosts":    {},
	"internal/generate":      {"catalog", "internal/config", "internal/demo", "internal/postgres", "registry"},
	"internal/test/bench":    {"catalog", "internal/demo", "internal/pgtext", "internal/postgres", "internal/serve", "registry", "sql"},
	"internal/test/scaleout": {"internal/demo"},
}

// outside names the modules that only some packages may import.
var outside = map[string][]string{
	"github.com/mark3labs/mcp-go":     {"registry", "internal/serve", "internal/test/bench"},
	"github.com/modelcontextprotocol": {"internal/test/hosts"},
	"github.com/jackc/pgx":            {"internal/postgres", "internal/test/pgtest", "internal/demo", "internal/test/bench", "internal/test/scaleout"},
	"github.com/pganalyze":            {"internal/sqlscan"},
	"github.com/prometheus":           {"internal/observe"},
	"go.opentelemetry.io":             {"internal/observe"},
	"github.com/go-logr":              {"internal/observe"},
}

func TestImportDirection(t *testing.T) {
	used := map[string]map[string]bool{}
	for file, list := range importsOf(t, "../..") {
		pkg := path.Dir(file)
		if used[pkg] == nil {
			used[pkg] = map[string]bool{}
		}
		allowed, known := imports[pkg]
		if !known {
			t.Errorf("%s: package %s is not in the table", file, pkg)
		}
		for _, imp := range list {
			if ours, ok := strings.CutPrefix(imp, "mcp-postgres/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s: want only %v", file, ours, allowed)
			}
			used[pkg][strings.TrimPrefix(imp, "mcp-postgres/")] = true
			for module, users := range outside {
				if strings.HasPrefix(imp, module) && !slices.Contains(users, pkg) {
					t.Errorf("%s imports %s: want that only in %v", file, imp, users)
				}
				if strings.HasPrefix(imp, module) {
					used[pkg][module] = true
				}
			}
		}
	}
	testUnusedEdges(t, used)
}

// testUnusedEdges refuses what the tables allow and no file imports.
func testUnusedEdges(t *testing.T, used map[string]map[string]bool) {
	t.Helper()
	for pkg, list := range imports {
		if used[pkg] == nil {
			t.Errorf("the table has package %s, which has no files", pkg)
		}
		for _, imp := range list {
			if !used[pkg][imp] {
				t.Errorf("the table lets %s import %s, which it does not: remove the edge", pkg, imp)
			}
		}
	}
	for module, users := range outside {
		for _, pkg := range users {
			if !used[pkg][module] {
				t.Errorf("the table lets %s import %s, which it does not: remove the edge", pkg, module)
			}
		}
	}
}

// TestImportLinter holds the rules of depguard in .golangci.yml against the table.
func TestImportLinter(t *testing.T) {
	const file, begin, end = "../../.golangci.yml", "    depguard:\n      rules:\n", "    # end of the import table\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no import table", file)
	}
	want := before + begin + depguardRules() + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s has another import table: run go test ./cmd/mcp-postgres -run TestImport -update", file)
	}
}

func depguardRules() string {
	var b strings.Builder
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "        %s:\n          list-mode: lax\n          files: [\"**/%[1]s/*.go\", \"!$test\"]\n", pkg)
		b.WriteString("          deny: [{pkg: mcp-postgres, desc: not in the import table}]\n")
		if len(imports[pkg]) > 0 {
			b.WriteString("          allow:\n")
		}
		for _, imp := range slices.Sorted(slices.Values(imports[pkg])) {
			fmt.Fprintf(&b, "            - mcp-postgres/%s$\n", imp)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(outside)) {
		fmt.Fprintf(&b, "        %s:\n          list-mode: lax\n          files:\n            - \"!$test\"\n", strings.ReplaceAll(module, ".", "-"))
		for _, pkg := range slices.Sorted(slices.Values(outside[module])) {
			fmt.Fprintf(&b, "            - \"!**/%s/*.go\"\n", pkg)
		}
		fmt.Fprintf(&b, "          deny: [{pkg: %s, desc: only the packages above may}]\n", module)
	}
	return b.String()
}

// importsOf gives the imports of each Go file below root that is no test.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		list := []string{}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			list = append(list, imp)
		}
		found[filepath.ToSlash(rel)] = list
		return nil
	})
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	return found
}
