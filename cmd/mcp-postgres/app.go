package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/registry"
	"mcp-postgres/sql"
)

// describeWait bounds how long a start waits for the database to describe the operator's tools.
const describeWait = 5 * time.Second

// app is everything a command needs; close gives it back.
type app struct {
	tools   *registry.Registry
	db      *postgres.DB
	cluster *demo.Cluster
	prompts []*catalog.Prompt
}

// open wires the parts: tools, database, registry.
func open(ctx context.Context, c *config.Config, log *slog.Logger) (*app, error) {
	sources, err := toolSources(c)
	if err != nil {
		return nil, err
	}
	tools, err := loadTools(c, sources, log)
	if err != nil {
		return nil, err
	}
	prompts, err := catalog.LoadPrompts(sources...)
	if err != nil {
		return nil, fmt.Errorf("loading prompts:\n%w", err)
	}
	a := &app{prompts: prompts}
	if most := sqlscan.MaxNesting(); most < sqlscan.FullNesting {
		log.WarnContext(ctx, "the stack of threads is small, so SQL may nest less: ulimit -s 8192 would help", "nesting", most, "usual", sqlscan.FullNesting)
	}
	url := c.Conn
	if c.Demo {
		if a.cluster, err = demo.Start(ctx, demo.Config{Logger: log, Sample: true}); err != nil {
			return nil, err
		}
		url = a.cluster.URL()
	}
	if err := a.connect(ctx, c, url, tools, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) connect(ctx context.Context, c *config.Config, url string, tools []*catalog.Tool, log *slog.Logger) error {
	var err error
	a.db, err = postgres.Open(ctx, postgres.Config{URL: url, MinConns: cmp.Or(c.PoolMin, -1), MaxConns: c.PoolMax, Timeout: c.Timeout(), Logger: log})
	if err != nil {
		return err
	}
	outputs, err := outputSchemas(ctx, a.db, tools, log)
	if err != nil {
		return err
	}
	a.tools, err = registry.Build(registry.Config{
		Tools: tools, Prompts: a.prompts, Outputs: outputs, DB: a.db, ReadOnly: c.ReadOnly, Timeout: c.Timeout(), MaxRows: c.MaxRows, MaxBytes: c.MaxBytes,
		MaxSQLBytes: c.MaxSQL, Version: version(), Logger: log,
	})
	return err
}

func (a *app) close() error {
	if a.db != nil {
		a.db.Close()
	}
	if a.cluster == nil {
		return nil
	}
	return a.cluster.Stop()
}

// toolSources are the embedded files and the operator's folders.
func toolSources(c *config.Config) ([]catalog.Source, error) {
	sources := []catalog.Source{{FS: sql.Files}}
	for _, dir := range c.Tools {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--tools (MCP_TOOLS_DIR) is %q: want a folder", dir)
		}
		sources = append(sources, catalog.Source{Name: dir, FS: os.DirFS(dir)})
	}
	return sources, nil
}

// loadTools reads the tools and keeps the toolsets asked for.
func loadTools(c *config.Config, sources []catalog.Source, log *slog.Logger) ([]*catalog.Tool, error) {
	cat, err := catalog.Load(sources...)
	if err != nil {
		return nil, fmt.Errorf("loading tools:\n%w", err)
	}
	for _, r := range cat.Replaced {
		log.Info("tool replaced", "new", r.New, "old", r.Old)
	}
	return chooseToolsets(cat.Tools, c.Toolsets)
}

// defaultToolset is the embedded one that is always on; operators' toolsets are on unless others are named.
const defaultToolset = "explore"

func chooseToolsets(tools []*catalog.Tool, wanted []string) ([]*catalog.Tool, error) {
	var known []string
	for _, t := range tools {
		if !slices.Contains(known, t.Toolset) {
			known = append(known, t.Toolset)
		}
	}
	slices.Sort(known)
	for _, w := range wanted {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("--toolsets (MCP_TOOLSETS) names %q: want some of %s", w, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(tools, func(t *catalog.Tool) bool {
		if len(wanted) > 0 {
			return !slices.Contains(wanted, t.Toolset)
		}
		return t.Toolset != defaultToolset && embedded(t)
	}), nil
}

// embedded reports whether a tool comes with the server; the folders of operators have names.
func embedded(t *catalog.Tool) bool { return t.Source == "" }

// outputSchemas reads the generated schemas of embedded tools; an operator's tools are described by the database, if it
// is there by now.
func outputSchemas(ctx context.Context, db *postgres.DB, tools []*catalog.Tool, log *slog.Logger) (map[string]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, describeWait)
	defer cancel()
	outputs := map[string]json.RawMessage{}
	var faults []error
	for _, t := range tools {
		var err error
		if embedded(t) {
			outputs[t.Name], err = generatedOutput(t.Name)
		} else {
			outputs[t.Name], err = describedOutput(ctx, db, t, log)
		}
		faults = append(faults, err)
	}
	return outputs, errors.Join(faults...)
}

func generatedOutput(name string) (json.RawMessage, error) {
	b, err := fs.ReadFile(sql.Files, "schema/"+name+".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the tool %s has no generated schema: run make generate", name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	var s registry.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	return s.Output, nil
}

// describedOutput asks the database. Statements that it refuses stop the start, with the place in the file.
func describedOutput(ctx context.Context, db *postgres.DB, t *catalog.Tool, log *slog.Logger) (json.RawMessage, error) {
	d, err := db.Describe(ctx, t.Statement.SQL)
	if err == nil {
		err = describeRest(ctx, db, t)
	}
	var refused *postgres.Error
	switch {
	case errors.As(err, &refused) && !refused.Retryable && refused.Code != "57014":
		return nil, refusedBy(t, refused)
	case errors.Is(err, postgres.ErrNoDatabase):
		return nil, nil
	case err != nil:
		log.Warn("tool offered without an output schema: the database did not describe it", "tool", t.Name, "error", err)
		return nil, nil
	case t.Result == catalog.Value && len(d.Columns) != 1:
		return nil, fmt.Errorf("%s: the statement gives %d columns: want one for result value", t.Path, len(d.Columns))
	}
	return json.Marshal(registry.OutputSchema(t, d.Columns))
}

// refusedBy says where in the file the database found a fault; without a position it is in the header.
func refusedBy(t *catalog.Tool, e *postgres.Error) error {
	if e.Position == 0 {
		return fmt.Errorf("%s: %s", t.Path, e.Message)
	}
	line, col := t.Position(e.Position)
	return fmt.Errorf("%s:%d:%d: %s", t.Path, line, col, e.Message)
}

// describeRest looks at the statements beside the main one.
func describeRest(ctx context.Context, db *postgres.DB, t *catalog.Tool) error {
	var others [][2]string
	if t.Page != nil {
		others = append(others, [2]string{"page.key", t.Page.Next.SQL})
	}
	if t.NotFound != nil {
		others = append(others, [2]string{"not_found.when", t.NotFound.When.SQL}, [2]string{"not_found.suggest", t.NotFound.Suggest.SQL})
	}
	for _, other := range others {
		if other[1] == "" {
			continue
		}
		_, err := db.Describe(ctx, other[1])
		if refused := (*postgres.Error)(nil); errors.As(err, &refused) {
			refused.Message, refused.Position = other[0]+": "+refused.Message, 0
		}
		if err != nil {
			return err
		}
	}
	return nil
}
