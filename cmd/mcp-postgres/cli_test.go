package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
)

func TestOperatorTools(t *testing.T) {
	db := "DATABASE_URL=" + pgtest.Demo(t)
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sales/orders_by_status.sql", "/*---\ndescription: Orders by status.\n---*/\nSELECT status, count(*) AS orders FROM orders GROUP BY status")
	write("own.sql", "/*---\ndescription: One.\n---*/\nSELECT 1 AS one")
	write("explore/db_identity.sql", "/*---\ndescription: Ours.\nresult: object\n---*/\nSELECT 'ours' AS database")
	if got := cliRun(t, []string{db}, "--tools", dir, "call", "orders_by_status", "--json"); !strings.Contains(got.out, `{"status":"pending","orders":`) {
		t.Errorf("orders_by_status = %+v", got)
	}
	if got := cliRun(t, []string{db, "MCP_TOOLS_DIR=" + dir}, "call", "db_identity", "--json"); got.out != "{\"database\":\"ours\"}\n" {
		t.Errorf("the operator's db_identity = %+v, want it to replace the built-in one", got)
	}
	write("sales/labels.sql", "/*---\ndescription: Labels.\nparams: [{name: doc, type: json, default: {a: [1]}}, {name: tags, type: 'string[]', default: [x]}]\n---*/\nSELECT @doc AS doc, @tags AS tags LIMIT 1")
	if got := cliRun(t, nil, "--tools", dir, "tools", "labels"); !strings.Contains(got.out, `default {"a":[1]}`) || !strings.Contains(got.out, `default ["x"]`) {
		t.Errorf("tools labels = %+v, want its defaults as JSON", got)
	}
	var shown struct {
		Toolset string
		Output  json.RawMessage
	}
	got := cliRun(t, []string{db}, "--tools", dir, "tools", "orders_by_status", "--json")
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	if shown.Toolset != "sales" || !strings.Contains(string(shown.Output), "shipped, delivered,") {
		t.Errorf("tools orders_by_status = %+v, want toolset sales and the labels of the enum", got.out)
	}
	if got := cliRun(t, []string{db}, "--tools", dir, "--toolsets", "custom", "tools"); !strings.Contains(got.out, "own") || strings.Contains(got.out, "list_tables") {
		t.Errorf("--toolsets custom gives\n%s", got.out)
	}
	write("own.sql", "/*---\ndescription: One.\n---*/\nSELECT colour FROM orders")
	if got := cliRun(t, []string{db}, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, "own.sql:4:8: column \"colour\" does not exist") {
		t.Errorf("a tool that the database refuses = %+v", got)
	}
	for text, want := range map[string]string{
		"page: {key: [nope]}\n---*/\nSELECT 1 AS one":                                                                `own.sql:3:13: page key "nope" is no column of the answer`,
		"result: value\n---*/\nSELECT 1 AS one, 2 AS two":                                                            "own.sql:3:9: result value: the statement gives 2 columns: want one",
		"params: [{name: a, type: string}]\nnot_found: {message: \"{a}\", suggest: SELECT b}\n---*/\nSELECT @a AS a": `own.sql:4:38: not_found.suggest: column "b" does not exist`,
	} {
		write("own.sql", "/*---\ndescription: One.\n"+text)
		if got := cliRun(t, []string{db}, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%q = %+v, want %s", text, got, want)
		}
	}
	write("own.sql", "/*---\ndescripton: One.\n---*/\nSELECT 1")
	if got := cliRun(t, nil, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, `own.sql:2:1: unknown key "descripton"`) {
		t.Errorf("a bad file = %+v", got)
	}
}
