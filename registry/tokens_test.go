package registry_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// What the default tools may cost a model that reads their names, titles, descriptions, input schemas and hints, and a client
// that reads the whole tools/list, in bytes.
const (
	mostSeen   = 7_000
	mostListed = 14_000
)

// typicalArgs are calls on the sample data; the others are made without arguments.
var typicalArgs = map[string]string{
	"describe_table": `{"table_name": "orders"}`, "find_relationships": `{"table_name": "orders"}`, "get_foreign_keys": `{"table_name": "orders"}`,
	"search_objects": `{"pattern": "customer"}`, "query": `{"sql": "SELECT * FROM shop.orders LIMIT 10"}`, "get_definition": `{"name": "order_totals"}`,
	"profile_table": `{"table_name": "orders"}`, "get_dependent_rows": `{"table_name": "orders", "key": ["1"]}`,
	"list_indexes": `{"table_name": "orders"}`, "table_stats": `{"table_name": "orders"}`,
}

// TestTokens guards the size of the default tools. With -v it is the report of "make tokens".
func TestTokens(t *testing.T) {
	tools, outputs := embeddedTools(t), map[string]json.RawMessage{}
	for _, tool := range tools {
		outputs[tool.Name] = generatedSchema(t, tool).Output
	}
	db := openDB(t, pgtest.Demo(t))
	r, err := registry.Build(registry.Config{DB: db, Logger: silent()}, registry.Set{Tools: tools, Outputs: outputs})
	if err != nil {
		t.Fatal(err)
	}
	listed := r.Server("test").ListTools()
	t.Logf("%-12s %-22s %6s %6s %6s", "toolset", "tool", "model", "list", "answer")
	sums := map[string][2]int{}
	for _, name := range r.Names() {
		def, _, _ := r.Tool(name)
		tool := listed[name].Tool
		all := jsonSize(t, tool)
		tool.RawOutputSchema, tool.Meta = nil, nil
		seen := jsonSize(t, tool)
		toolset := def.Toolset
		if toolset == "" || toolset == "explore" {
			toolset = "default"
		}
		sums[toolset] = [2]int{sums[toolset][0] + seen, sums[toolset][1] + all}
		t.Logf("%-12s %-22s %6d %6d %6d", toolset, name, seen, all, answerSize(t, r, def))
	}
	for toolset, sum := range sums {
		t.Logf("%-12s %-22s %6d %6d", toolset, "together", sum[0], sum[1])
	}
	if sum := sums["default"]; sum[0] > mostSeen || sum[1] > mostListed {
		t.Errorf("the default tools have %d bytes for a model and %d in tools/list, want at most %d and %d", sum[0], sum[1], mostSeen, mostListed)
	}
}

func jsonSize(t *testing.T, v any) int {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// answerSize is the length of the text of a typical answer; 0 for a tool that the sample database can't answer.
func answerSize(t *testing.T, r *registry.Registry, def *catalog.Tool) int {
	t.Helper()
	args := typicalArgs[def.Name]
	if args == "" {
		args = "{}"
	}
	res, err := r.Call(t.Context(), def.Name, json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	if res.Err != nil && len(def.Requires.Extensions) > 0 {
		return 0
	}
	if res.Err != nil {
		t.Errorf("%s(%s) = %s", def.Name, args, text(t, res))
	}
	return len(text(t, res))
}

func generatedSchema(t *testing.T, tool *catalog.Tool) registry.Schema {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../sql/schema", tool.Name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s registry.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}
