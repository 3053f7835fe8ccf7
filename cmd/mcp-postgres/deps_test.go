package main

import (
	"go/parser"
	"go/token"
	"io/fs"
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
	"internal/config":        {},
	"internal/sqlscan":       {},
	"internal/pgtext":        {},
	"internal/faults":        {},
	"catalog":                {"internal/faults", "internal/pgtext", "internal/sqlscan"},
	"internal/postgres":      {"internal/pgtext", "internal/redact"},
	"internal/demo":          {},
	"internal/test/pgtest":   {"internal/demo"},
	"internal/test/oidctest": {"internal/test/pgtest"},
	"internal/guard":         {"catalog", "internal/faults", "internal/pgtext", "internal/postgres", "internal/sqlscan"},
	"internal/auth":          {"internal/guard", "internal/redact"},
	"internal/serve":         {"internal/auth", "internal/guard", "internal/observe", "internal/pgtext", "internal/postgres", "internal/process", "registry"},
	"internal/observe":       {"internal/guard", "internal/postgres", "internal/sqlscan"},
	"internal/reload":        {"catalog", "internal/config", "internal/faults", "internal/guard", "internal/observe", "internal/postgres", "registry", "sql"},
	"internal/doctor":        {"internal/guard", "internal/pgtext", "internal/postgres", "internal/reload", "internal/sqlscan"},
	"internal/tooltest":      {"catalog", "internal/faults", "internal/guard", "internal/pgtext", "internal/postgres", "registry"},
	"internal/redact":        {},
	"internal/process":       {},
	"registry":               {"catalog", "internal/faults", "internal/guard", "internal/observe", "internal/pgtext", "internal/postgres", "internal/sqlscan", "sql"},
	"cmd/mcp-postgres": {"catalog", "internal/auth", "internal/config", "internal/demo", "internal/doctor", "internal/faults", "internal/guard", "internal/postgres",
		"internal/observe", "internal/process", "internal/redact", "internal/reload", "internal/sqlscan", "internal/serve", "internal/tooltest", "registry", "sql"},
	"internal/test/sdktest":  {},
	"internal/generate":      {"catalog", "internal/config", "internal/demo", "internal/postgres", "registry"},
	"internal/test/bench":    {"catalog", "internal/demo", "internal/pgtext", "internal/postgres", "internal/serve", "registry", "sql"},
	"internal/test/scaleout": {"internal/demo"},
}

// outside names the modules that only some packages may import.
var outside = map[string][]string{
	"github.com/mark3labs/mcp-go":     {"registry", "internal/serve", "cmd/mcp-postgres", "internal/test/bench"},
	"github.com/modelcontextprotocol": {"internal/test/sdktest"},
	"github.com/jackc/pgx":            {"internal/postgres", "internal/test/pgtest", "internal/demo", "internal/test/bench", "internal/test/scaleout"},
	"github.com/pganalyze":            {"internal/sqlscan"},
	"github.com/prometheus":           {"internal/observe"},
	"go.opentelemetry.io":             {"internal/observe"},
	"github.com/go-logr":              {"internal/observe"},
}

func TestImportDirection(t *testing.T) {
	for file, list := range importsOf(t, "../..") {
		pkg := path.Dir(file)
		allowed, known := imports[pkg]
		if !known {
			t.Errorf("%s: package %s is not in the table", file, pkg)
		}
		for _, imp := range list {
			if ours, ok := strings.CutPrefix(imp, "mcp-postgres/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s: want only %v", file, ours, allowed)
			}
			for module, users := range outside {
				if strings.HasPrefix(imp, module) && !slices.Contains(users, pkg) {
					t.Errorf("%s imports %s: want that only in %v", file, imp, users)
				}
			}
		}
	}
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
