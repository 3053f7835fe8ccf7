package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mcp-postgres/internal/demo"
)

// several measures calls of a server of three databases against those of a server of one, and what its tools are longer
// by. All three are the same database, so that PostgreSQL does the same work.
func (b *bench) several(ctx context.Context) (err error) {
	c, err := demo.Start(ctx, demo.Config{Sample: true, TCP: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	dir, err := os.MkdirTemp("", "bench-several")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "databases.yaml")
	text := fmt.Sprintf("databases:\n  a: {url: %[1]q}\n  b: {url: %[1]q}\n  c: {url: %[1]q}\ndefault: a\n", c.URL())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	one, err := launch(ctx, []string{"DATABASE_URL=" + c.URL(), b.server})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.close()) }()
	three, err := launch(ctx, []string{"MCP_DATABASES_FILE=" + file, b.server})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, three.close()) }()
	const sql = `"sql":"SELECT 1","format":"csv"`
	layers := []layer{
		remote("one", one, toolCall("query", "{"+sql+"}")),
		remote("one again", one, toolCall("query", "{"+sql+"}")),
		remote("three", three, toolCall("query", "{"+sql+"}")),
		remote("named", three, toolCall("query", `{"database":"b",`+sql+"}")),
	}
	for i := range layers {
		if err := layers[i].warm(ctx); err != nil {
			return fmt.Errorf("%s: %w", layers[i].name, err)
		}
	}
	for _, workers := range []int{1, maxWorkers} {
		medians, err := b.interleave(ctx, layers, workers)
		if err != nil {
			return err
		}
		for i, f := range medians {
			printRow("several", workers, layers[i].name, f)
		}
		for i, what := range []string{"the default one of three databases", "another one of three databases"} {
			b.atMost(fmt.Sprintf("%s c%d against one database", what, workers), medians[2+i][ratio], 1.1, "x")
		}
	}
	return b.longerTools(ctx, one, three)
}

// longerTools compares the tools that both servers list.
func (b *bench) longerTools(ctx context.Context, one, three *process) error {
	alone, err := one.toolSizes(ctx)
	if err != nil {
		return err
	}
	beside, err := three.toolSizes(ctx)
	if err != nil {
		return err
	}
	longer := 0
	for name, size := range alone {
		longer += beside[name] - size
	}
	b.atMost("a tool with three databases", float64(longer)/float64(len(alone)), 60, " bytes longer")
	return nil
}

// toolSizes are the bytes of each tool in tools/list.
func (p *process) toolSizes(ctx context.Context) (map[string]int, error) {
	answer, err := p.ask(ctx, `"method":"tools/list","params":{}`, new(bytes.Buffer))
	if err != nil {
		return nil, err
	}
	var list struct{ Tools []json.RawMessage }
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, err
	}
	sizes := map[string]int{}
	for _, tool := range list.Tools {
		var named struct{ Name string }
		if err := json.Unmarshal(tool, &named); err != nil {
			return nil, err
		}
		sizes[named.Name] = len(tool)
	}
	return sizes, nil
}
