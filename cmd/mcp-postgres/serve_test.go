package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

func TestServe(t *testing.T) {
	s := startServer(t, []string{"DATABASE_URL=" + pgtest.Demo(t)})
	list := s.request(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if len(list.Result.Tools) != 10 {
		t.Errorf("tools/list gives %d tools, want 10", len(list.Result.Tools))
	}
	for _, tool := range list.Result.Tools {
		text := tool.Name == "query" || tool.Name == "describe_database" // they answer with a text
		if len(tool.InputSchema) == 0 || len(tool.OutputSchema) == 0 && !text {
			t.Errorf("%s: input schema %s, output schema %s; want both", tool.Name, tool.InputSchema, tool.OutputSchema)
		}
	}
	tests := []struct{ tool, args, want string }{
		{"list_schemas", `{}`, `"schema_name":"billing"`},
		{"list_tables", `{"schema": "shop", "name_pattern": "ord%"}`, `"table_name":"orders"`},
		{"describe_table", `{"table_name": "orders"}`, `"name":"customer_id","type":"integer"`},
		{"get_foreign_keys", `{"table_name": "orders"}`, `"referenced_table":"customers"`},
		{"find_relationships", `{"table_name": "customers"}`, `"implied":[{`},
		{"db_identity", `{}`, `"database":"pgtest_test_`},
		{"server_info", `{}`, `"available":true`},
	}
	for _, test := range tests {
		if m := s.call(test.tool, test.args); m.Result.IsError || !strings.Contains(string(m.Result.StructuredContent), test.want) {
			t.Errorf("%s(%s) = %s, want %s", test.tool, test.args, m.Result.StructuredContent, test.want)
		}
	}
	m := s.call("query", `{"sql": "SELECT count(*) FROM orders"}`)
	if m.Result.IsError || !strings.Contains(m.Result.Content[0].Text, "| 2000 |") {
		t.Errorf("query = %+v, want 2000", m.Result)
	}
	if m := s.call("nope", `{}`); m.Error == nil || m.Error.Code != -32602 {
		t.Errorf("an unknown tool = %+v, want error -32602", m)
	}
	if rest, status := s.close(); rest != "" || status != 0 {
		t.Errorf("after the client's end: output %q, status %d; want none and 0\n%s", rest, status, s.stderr)
	}
}

func TestServeBadInput(t *testing.T) {
	s := startServer(t, nil)
	for line, code := range map[string]int{
		"{": -32700, "nonsense": -32700, strings.Repeat("x", 4<<20+10): -32600,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":[]}`: -32600,
	} {
		if m := s.request(line); m.Error == nil || m.Error.Code != code || strings.Contains(m.Error.Message, "Go ") {
			t.Errorf("%.60q = %+v, want error %d in plain words", line, m, code)
		}
	}
	long := `{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":"query","arguments":{"sql":"` + strings.Repeat("x", 4<<20) + `"}}}`
	if m := s.request(long); m.ID != "big" || m.Error == nil || !strings.Contains(m.Error.Message, "more than the maximum 4194304") {
		t.Errorf("a message that is too long = %+v, want its id and the limit", m)
	}
	s.send("")
	if m := s.call("list_tables", `{}`); !strings.Contains(string(m.Result.StructuredContent), `"items":[],"notice":`) {
		t.Errorf("without a database list_tables = %s, want the notice", m.Result.StructuredContent)
	}
}

func TestServeDrains(t *testing.T) {
	s := startServer(t, []string{"DATABASE_URL=" + pgtest.URL(t)})
	_, err := fmt.Fprint(s.in, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 'done' FROM pg_sleep(0.1)"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if rest, status := s.close(); !strings.Contains(rest, "done") || status != 0 {
		t.Errorf("a call in flight at the end of input gives %q, status %d; want its answer and 0", rest, status)
	}
}

func TestServeEndsStatements(t *testing.T) {
	url := pgtest.URL(t)
	const running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
	for name, end := range map[string]func(*session) error{
		"closed stdin": func(s *session) error { return s.in.Close() },
		"SIGTERM":      func(s *session) error { return s.cmd.Process.Signal(syscall.SIGTERM) },
		"cancelled": func(s *session) error {
			_, err := fmt.Fprintln(s.in, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
			return err
		},
	} {
		s := startServer(t, []string{"DATABASE_URL=" + url})
		s.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT pg_sleep(600)"}}}`)
		waitFor(t, name+": the statement runs", func() bool { return pgtest.Value(t, url, running) == "1" })
		if err := end(s); err != nil {
			t.Fatal(err)
		}
		waitFor(t, name+": the statement has ended", func() bool { return pgtest.Value(t, url, running) == "0" })
	}
}

func TestServeCancelsCallsThatWait(t *testing.T) {
	url := pgtest.URL(t)
	s := startServer(t, []string{"DATABASE_URL=" + url, "MCP_POOL_MAX=2", "MCP_POOL_MIN=1"})
	var lines string
	for i := range 12 {
		lines += fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT pg_sleep(600)"}}}`+"\n", i)
		lines += fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`+"\n", i)
	}
	start := time.Now()
	s.send(lines + `{"jsonrpc":"2.0","id":"last","method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 1"}}}`)
	if m := s.receive(); m.ID != "last" || m.Result.IsError {
		t.Errorf("after cancelled calls: %+v, want the answer to the last one, and none to them", m)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("12 cancelled calls took %v", d)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestServeRecovers(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, []string{"DATABASE_URL=" + c.URL()})
	if m := s.call("list_schemas", `{}`); !m.Result.IsError || m.Result.StructuredContent != nil ||
		!strings.HasPrefix(m.Result.Content[0].Text, "The database is not available at the moment") {
		t.Errorf("with the database down list_schemas = %s, want an error that says so", m.Result.Content[0].Text)
	}
	if err := c.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	if m := s.call("list_schemas", `{}`); !strings.Contains(string(m.Result.StructuredContent), `"schema_name":"public"`) {
		t.Errorf("with the database back list_schemas = %s, want public", m.Result.StructuredContent)
	}
}

func TestServeDemo(t *testing.T) {
	tmp := t.TempDir()
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	pgtest.URL(t) // skips where there is no PostgreSQL
	for name, end := range map[string]func(*session){
		"closed stdin": func(s *session) { s.close() },
		"interrupt": func(s *session) {
			if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = s.cmd.Wait() // what it left behind is what is looked at
		},
	} {
		s := startServer(t, []string{"TMPDIR=" + tmp, "PGSERVICE=of another server", "PGOPTIONS=-c nosuch=1"}, "--demo")
		if m := s.call("list_tables", `{"name_pattern": "customers"}`); !strings.Contains(string(m.Result.StructuredContent), "customers") {
			t.Errorf("%s: list_tables on the demo = %s", name, m.Result.StructuredContent)
		}
		end(s)
		if left, err := filepath.Glob(filepath.Join(tmp, "mcp-postgres*")); err != nil || len(left) > 0 {
			t.Errorf("%s: the demo left %v behind", name, left)
		}
	}
}

// inspector is the reference client of the protocol's makers, as a command.
const inspector = "@modelcontextprotocol/inspector@2.12.0"

// inspect runs the Inspector, and gives what it prints or its error.
func inspect(t *testing.T, npx string, args ...string) string {
	t.Helper()
	cmd := exec.Command(npx, append([]string{"-y", inspector, "--cli", "--format", "json"}, args...)...)
	cmd.Env = environment()
	for i, e := range cmd.Env { // a proxy is for npm; the Inspector gives up where it sees one
		name, proxy, _ := strings.Cut(e, "=")
		switch strings.ToUpper(name) {
		case "HTTP_PROXY":
			cmd.Env[i] = "npm_config_proxy=" + proxy
		case "HTTPS_PROXY":
			cmd.Env[i] = "npm_config_https_proxy=" + proxy
		}
	}
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); len(out) == 0 && errors.As(err, &exit) && bytes.HasPrefix(exit.Stderr, []byte(`{"error":`)) {
		return string(exit.Stderr)
	}
	if err != nil && len(out) == 0 {
		if os.Getenv("CI") == "" {
			t.Skipf("the Inspector does not start here: %v", err)
		}
		t.Fatalf("the Inspector does not start: %v", err)
	}
	return string(out)
}

func TestInspector(t *testing.T) {
	npx, err := exec.LookPath("npx")
	if err != nil {
		t.Skip("no Node.js here: the Inspector can't run")
	}
	url := pgtest.Demo(t)
	inspect := func(args ...string) string {
		return inspect(t, npx, append([]string{self(t), "-e", asProgram + "=1"}, args...)...)
	}
	list := inspect("--demo", "--method", "tools/list")
	for tool, args := range map[string][]string{
		"list_schemas": nil, "list_tables": nil, "db_identity": nil, "server_info": nil,
		"describe_table": {"table_name=orders"}, "get_foreign_keys": {"table_name=orders"}, "find_relationships": {"table_name=orders"},
		"query": {"sql=SELECT count(*) FROM orders"},
	} {
		if !strings.Contains(list, `"name":"`+tool+`"`) {
			t.Errorf("tools/list lacks %s", tool)
		}
		call := []string{"-e", "DATABASE_URL=" + url, "--method", "tools/call", "--tool-name", tool}
		for _, arg := range args {
			call = append(call, "--tool-arg", arg)
		}
		if got := inspect(call...); !strings.Contains(got, `"content"`) || strings.Contains(got, `"isError":true`) || strings.Contains(got, "notice") {
			t.Errorf("the Inspector calls %s: %s", tool, got)
		}
	}
}

func TestServeLargeAnswers(t *testing.T) {
	s := startServer(t, []string{"DATABASE_URL=" + pgtest.URL(t), "MCP_MAX_REPLY_CHARS=200000"})
	const sql = `SELECT i, repeat('\"<&>é|\\n', 20) AS odd FROM generate_series(1, 400) i`
	for _, format := range []string{"json", "csv", "markdown"} {
		args, err := json.Marshal(map[string]any{"sql": sql, "format": format})
		if err != nil {
			t.Fatal(err)
		}
		m := s.call("query", string(args))
		text := m.Result.Content[0].Text
		if len(text) < 40_000 || strings.Contains(text, "body-") || !strings.Contains(text, "<&>é") || strings.Count(text, "400") < 1 {
			t.Errorf("%s: %d bytes that end in %q", format, len(text), text[max(0, len(text)-80):])
		}
		if structured := string(m.Result.StructuredContent); structured != "" {
			t.Errorf("%s: structured content of %d bytes, want the text alone", format, len(structured))
		}
	}
	s.call("query", `{"sql": "DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE 'CREATE TABLE wide_' || i || ' (id int)'; END LOOP; END $$"}`)
	m := s.call("list_tables", `{}`)
	if structured, text := string(m.Result.StructuredContent), m.Result.Content[0].Text; structured != text || strings.Count(text, "wide_") != 100 {
		t.Errorf("list_tables: structured content of %d bytes, text of %d, want the same", len(structured), len(text))
	}
}

// TestListWhileTheDatabaseIsDown: a list that nobody can make is an error, whatever asks for it.
func TestListWhileTheDatabaseIsDown(t *testing.T) {
	s := startServer(t, []string{"DATABASE_URL=postgres://x@127.0.0.1:1/x?connect_timeout=2"})
	const list = `{"jsonrpc":"2.0","id":1,"method":"resources/list","params":{` + "%s" + `}}`
	for _, params := range []string{"", strings.TrimSuffix(meta, ",")} {
		m := s.request(fmt.Sprintf(list, params))
		if m.Error == nil || m.Error.Code != -32603 || !strings.Contains(m.Error.Message, "The database is not available") {
			t.Errorf("resources/list with %q = %+v", params, m)
		}
	}
	none := startServer(t, nil)
	if m := none.request(fmt.Sprintf(list, "")); m.Error != nil {
		t.Errorf("resources/list without a database = %+v, want none", m.Error)
	}
}
