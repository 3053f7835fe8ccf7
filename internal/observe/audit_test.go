package observe_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
	"mcp-postgres/sql"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const auditRules = `
roles:
  analyst:
    schemas: [shop]
    tables: [orders]
    operations: [select]
users: {ann: analyst}
`

// auditLines reads the file, without what differs from run to run.
func auditLines(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(text)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if at, err := time.Parse(time.RFC3339, m["time"].(string)); err != nil || time.Since(at) > time.Hour || m["ms"] == nil {
			t.Errorf("the line %s has no time", line)
		}
		for _, key := range []string{"time", "call", "ms", "bytes"} {
			delete(m, key)
		}
		if m["fingerprint"] != nil {
			m["fingerprint"] = "some"
		}
		all = append(all, m)
	}
	return all
}

func TestAudit(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.Demo(t), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rules, err := guard.Parse("permissions.yaml", []byte(auditRules))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := rules.Caller("ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(catalog.Source{FS: sql.Files})
	if err != nil {
		t.Fatal(err)
	}
	for _, full := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "audit")
		a, err := observe.OpenAudit(path, full, nil, log)
		if err != nil {
			t.Fatal(err)
		}
		reg, err := registry.Build(registry.Config{DB: db, Logger: log, Observer: observe.Observer{Audit: a}}, registry.Set{Tools: cat.Tools})
		if err != nil {
			t.Fatal(err)
		}
		ctx := guard.WithCaller(t.Context(), caller)
		call := func(ctx context.Context, tool, args string) {
			t.Helper()
			if _, err := reg.Call(ctx, tool, json.RawMessage(args)); err != nil {
				t.Fatal(err)
			}
		}
		call(ctx, "query", `{"sql": "SELECT id FROM orders WHERE id < 3"}`)
		call(ctx, "query", `{"sql": "SELECT 's3cret' FROM shop.payments"}`)
		call(ctx, "query", `{"sql": "SELECT id / 0 FROM orders"}`)
		call(ctx, "query", `{"sql": "SELECT FROM WHERE"}`)
		call(ctx, "query", `{"sql": [7]}`)
		call(t.Context(), "query", `{"sql": "SELECT 1 FROM payments LIMIT 1"}`)
		call(ctx, "server_info", `{}`)
		ask := func(ctx context.Context, method, params string) {
			registry.NewDatabases(&registry.Served{Registry: reg}).Server("test").HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`))
		}
		ask(ctx, "resources/read", `{"uri": "table://shop/orders"}`)
		ask(ctx, "resources/read", `{"uri": "table://shop/payments"}`)
		ask(guard.WithCaller(ctx, &guard.Caller{Sub: "eve"}), "resources/read", `{"uri": "table://shop/orders"}`)
		ask(ctx, "resources/read", `{"uri": "schema://shop"}`)
		ask(ctx, "completion/complete", `{"ref": {"type": "ref/resource", "uri": "schema://{schema}"}, "argument": {"name": "schema", "value": "s"}}`)
		a.UnknownTool(ctx, "drop_everything")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		who := func(m map[string]any) map[string]any { m["sub"], m["role"] = "ann", "analyst"; return m }
		want := []map[string]any{
			who(map[string]any{"tool": "query", "outcome": "ok", "relations": []any{"orders"}, "rows": 2.0, "fingerprint": "some"}),
			who(map[string]any{"tool": "query", "outcome": "refused", "code": "forbidden", "rule": "table", "relations": []any{"shop.payments"}, "rows": 0.0, "fingerprint": "some"}),
			who(map[string]any{"tool": "query", "outcome": "error", "code": "22012", "relations": []any{"orders"}, "rows": 0.0, "fingerprint": "some"}),
			who(map[string]any{"tool": "query", "outcome": "error", "code": "42601", "rows": 0.0}),
			who(map[string]any{"tool": "query", "outcome": "error", "code": "invalid_arguments", "rows": 0.0}),
			{"tool": "query", "outcome": "ok", "relations": []any{"payments"}, "rows": 1.0, "fingerprint": "some"},
			who(map[string]any{"tool": "server_info", "outcome": "ok", "rows": 0.0}),
			who(map[string]any{"method": "resources/read", "resource": "table://shop/orders", "tool": "query", "outcome": "ok",
				"relations": []any{"shop.orders"}, "rows": 20.0, "fingerprint": "some"}),
			who(map[string]any{"method": "resources/read", "resource": "table://shop/payments", "tool": "query", "outcome": "refused", "code": "forbidden",
				"rule": "table", "relations": []any{"shop.payments"}, "rows": 0.0, "fingerprint": "some"}),
			{"sub": "eve", "method": "resources/read", "resource": "table://shop/orders", "tool": "query", "outcome": "refused", "code": "forbidden",
				"rule": "tool", "rows": 0.0},
			who(map[string]any{"method": "resources/read", "resource": "schema://shop", "tool": "describe_database", "outcome": "ok", "rows": 1.0,
				"relations": []any{"pg_catalog.pg_class", "pg_catalog.pg_namespace", "pg_catalog.pg_stats", "pg_catalog.pg_description", "pg_catalog.pg_depend", "pg_catalog.pg_inherits",
					"pg_catalog.pg_index", "pg_catalog.pg_attribute", "pg_catalog.pg_constraint", "pg_catalog.pg_type", "pg_catalog.pg_trigger", "pg_catalog.pg_enum"},
				"fingerprint": "some"}),
			who(map[string]any{"method": "completion/complete", "tool": "names", "outcome": "ok", "rows": 1.0, "relations": []any{"pg_catalog.pg_class", "pg_catalog.pg_namespace", "pg_catalog.pg_attribute", "pg_catalog.pg_proc", "pg_catalog.pg_type", "pg_catalog.pg_enum"}, "fingerprint": "some"}),
			who(map[string]any{"tool": "drop_everything", "outcome": "refused", "code": "unknown_tool", "rows": 0.0}),
		}
		got := auditLines(t, path)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(file)
		if strings.Contains(text, "s3cret") != full || strings.Contains(text, `"arguments"`) != full {
			t.Errorf("--audit-sql=%v wrote\n%s", full, text)
		}
		for _, m := range got {
			delete(m, "sql")
			delete(m, "arguments")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("--audit-sql=%v (-want +got):\n%s", full, diff)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
		}
	}
}
