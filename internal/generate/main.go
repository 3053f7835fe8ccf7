// Command generate writes what is derived from other sources: the schemas of the embedded tools, as a throw-away
// PostgreSQL describes them, and the tables of README.md and docs/tools.md. "go generate ./..." runs it in the folder
// sql.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

func main() {
	demo.ClearEnvironment()
	if err := generate(context.Background(), ".."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context, root string) (err error) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	cat, err := catalog.Load(catalog.Source{FS: os.DirFS(filepath.Join(root, "sql"))})
	if err != nil {
		return err
	}
	cluster, err := demo.Start(ctx, demo.Config{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	db, err := postgres.Open(ctx, postgres.Config{URL: cluster.URL(), Logger: log})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := installExtensions(ctx, cluster.AdminURL(), cat.Tools); err != nil {
		return err
	}
	outputs, err := writeSchemas(ctx, db, filepath.Join(root, "sql", "schema"), cat.Tools)
	if err != nil {
		return err
	}
	reg, err := registry.Build(registry.Config{DB: db, Logger: log, Extra: registry.OnRequest()},
		registry.Set{Tools: cat.Tools, Outputs: outputs})
	if err != nil {
		return err
	}
	return writeTables(root, reg)
}

// installExtensions makes what tools require, so that the database can describe them.
func installExtensions(ctx context.Context, url string, tools []*catalog.Tool) error {
	admin, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return err
	}
	defer admin.Close()
	for _, t := range tools {
		for _, name := range t.Requires.Extensions {
			_, err := admin.Run(ctx, postgres.Call{SQL: `CREATE EXTENSION IF NOT EXISTS "` + name + `"`, Write: true}, nil)
			if err != nil {
				return fmt.Errorf("%s requires the extension %s: %w", t.Path, name, err)
			}
		}
	}
	return nil
}

// writeSchemas writes <tool>.json for each tool and removes the files of tools that are gone.
func writeSchemas(ctx context.Context, db *postgres.DB, dir string,
	tools []*catalog.Tool) (map[string]json.RawMessage, error) {
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, path := range old {
		gone[path] = true
	}
	outputs := map[string]json.RawMessage{}
	for _, t := range tools {
		s, err := describe(ctx, db, t)
		if err != nil {
			return nil, err
		}
		outputs[t.Name] = s.Output
		path := filepath.Join(dir, t.Name+".json")
		if err := writeJSON(path, s); err != nil {
			return nil, err
		}
		delete(gone, path)
	}
	for path := range gone {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return outputs, nil
}

func describe(ctx context.Context, db *postgres.DB, t *catalog.Tool) (registry.Schema, error) {
	d, err := db.Describe(ctx, t.Statement.SQL)
	var refused *postgres.Error
	if errors.As(err, &refused) {
		line, col := t.Position(refused.Position)
		return registry.Schema{}, fmt.Errorf("%s:%d:%d: %s", t.Path, line, col, refused.Message)
	}
	if err != nil {
		return registry.Schema{}, fmt.Errorf("describing %s: %w", t.Name, err)
	}
	input, err := json.Marshal(registry.InputSchema(t))
	if err != nil {
		return registry.Schema{}, err
	}
	output, err := registry.OutputSchema(t, d.Columns)
	return registry.Schema{Input: input, Output: output}, err
}

// writeJSON writes v indented, with a line end.
func writeJSON(path string, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
