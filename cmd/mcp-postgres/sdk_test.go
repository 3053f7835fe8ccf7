package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
)

// sdk is a client on one of the official SDKs, as a process (internal/test/sdktest).
type sdk struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

type sdkAnswer struct {
	Tools               int
	Text, Thrown        string
	IsError, Structured bool
	Error               *struct {
		Code      string
		Message   string
		Retryable *bool
	}
}

func newSDK(t *testing.T, env []string, command ...string) *sdk {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = sdkFolder, environment(append(env, asProgram+"=1")...), t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &sdk{t, in, bufio.NewScanner(out)}
}

func (s *sdk) send(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sdk) next() (a sdkAnswer) {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the client has ended: %v", s.out.Err())
	}
	if err := json.Unmarshal(s.out.Bytes(), &a); err != nil {
		s.t.Fatalf("%v in %s", err, s.out.Text())
	}
	return a
}

func (s *sdk) call(tool, args string) sdkAnswer {
	s.t.Helper()
	s.send(`{"tool":"` + tool + `","args":` + args + `}`)
	return s.next()
}

const sdkFolder = "../../internal/test/sdktest"

// sdkTools are the tool of README's first screen, and two that take their time.
func sdkTools(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile("(?s)<!-- tool: sales/top_customers.sql -->\n```sql\n(.*?)```").FindSubmatch(readme)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"top_customers.sql": string(first[1]),
		"late.sql":          "/*---\ndescription: Late.\nlimits: {timeout: 50ms, rows: 1}\n---*/\nSELECT pg_sleep(60)::text AS a",
		"asleep.sql":        "/*---\ndescription: Asleep.\nlimits: {rows: 1}\n---*/\nSELECT 'sdktest' AS a, pg_sleep(600)::text AS b",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSDKs: clients on the official SDKs read every error and cancel a call, in every revision and over every transport.
func TestSDKs(t *testing.T) {
	if os.Getenv("SDK_E2E") == "" {
		t.Skip("SDK_E2E is not set: make e2e runs this")
	}
	url := pgtest.Demo(t)
	env := []string{"DATABASE_URL=" + url, "MCP_TOOLS_DIR=" + sdkTools(t), "MCP_TOOLSETS=explore,custom"}
	program := filepath.Join(t.TempDir(), "sdktest")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = sdkFolder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the client: %v\n%s", err, out)
	}
	targets := map[string]string{
		"stdio":           self(t),
		"streamable-http": serveHTTP(t, append(env, "MCP_TRANSPORT=streamable-http")).url + "/mcp",
		"sse":             serveHTTP(t, append(env, "MCP_TRANSPORT=sse")).url + "/sse",
	}
	clients := map[string][]string{
		"TypeScript 1":             {"node", "client.mjs", "@modelcontextprotocol/sdk", "2025-11-25"},
		"TypeScript 2":             {"node", "client.mjs", "@modelcontextprotocol/client", "2025-11-25"},
		"TypeScript 2, 2026-07-28": {"node", "client.mjs", "@modelcontextprotocol/client", "2026-07-28"},
		"Go":                       {program, "2025-11-25"},
		"Go, 2026-07-28":           {program, "2026-07-28"},
	}
	for client, command := range clients {
		for transport, target := range targets {
			if transport == "sse" && strings.Contains(client, "2026") {
				continue // which has no such transport
			}
			t.Run(client+" "+transport, func(t *testing.T) {
				s := newSDK(t, env, append(command, transport, target)...)
				if s.next().Tools == 0 {
					t.Fatal("no tools")
				}
				s.errors()
				s.cancellation(url)
			})
		}
	}
}

func (s *sdk) errors() {
	s.t.Helper()
	for _, test := range []struct{ tool, args, code, text string }{
		{"top_customers", `{"country":"Germany","lmit":3}`, "invalid_arguments", `did you mean "limit"?`},
		{"get_foreign_keys", `{"table_name":"custmers"}`, "not_found", "customers"},
		{"list_tables", `{"schema":"shp"}`, "not_found", "shop"},
		{"list_schemas", `{"page_size":0}`, "invalid_arguments", "page_size"},
		{"list_tables", `{"cursor":"x"}`, "invalid_arguments", "cursor"},
		{"late", `{}`, "57014", "time limit"},
		{"query", `{"sql":"SELECT * FROM custmers"}`, "42P01", "customers"},
	} {
		a := s.call(test.tool, test.args)
		if !a.IsError || a.Structured || a.Error == nil || a.Error.Code != test.code || a.Error.Message == "" || a.Error.Retryable == nil || !strings.Contains(a.Text, test.text) {
			s.t.Errorf("%s %s = %+v, want the error %s with %q", test.tool, test.args, a, test.code, test.text)
		}
	}
	if a := s.call("top_customers", `{"country":"DE"}`); a.IsError || !a.Structured {
		s.t.Errorf("a good call = %+v", a)
	}
}

// cancellation cancels a call: its statement ends, and the session goes on.
func (s *sdk) cancellation(url string) {
	s.t.Helper()
	asleep := func() bool {
		return pgtest.Value(s.t, url, `SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE '%''sdktest'' AS a%' AND state = 'active' AND pid <> pg_backend_pid()`) == "1"
	}
	for range 2 {
		s.send(`{"tool":"asleep","args":{}}`)
		waitFor(s.t, "the statement runs", asleep)
		s.send("cancel")
		if a := s.next(); a.Thrown == "" {
			s.t.Errorf("a cancelled call = %+v, want nothing", a)
		}
		waitFor(s.t, "the statement ends", func() bool { return !asleep() })
		if a := s.call("top_customers", `{"country":"DE"}`); a.IsError || !a.Structured {
			s.t.Errorf("a call after a cancelled one = %+v", a)
		}
	}
}
