package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

// hostsFolder has the clients that make hosts runs, and their versions.
const hostsFolder = "../../internal/test/hosts"

// host is a client of a host, a framework or an official SDK, as a process that does what a line says.
type host struct {
	t      *testing.T
	in     io.Writer
	out    *bufio.Scanner
	tools  []string // that it lists
	ops    []string // what it can do beside calls; nil is all
	stderr *bytes.Buffer
}

type hostAnswer struct {
	Tools, Count          int
	Text, Thrown, Warning string
	IsError, Structured   bool
	Untyped, Ops          []string
	Error                 *struct {
		Code, Message string
		Retryable     *bool
	}
}

// startHost starts a client, which connects and lists the tools.
func startHost(t *testing.T, env []string, command ...string) *host {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	h := &host{t: t, stderr: &bytes.Buffer{}}
	cmd.Dir, cmd.Env, cmd.Stderr = hostsFolder, environment(append(env, asProgram+"=1", "MCP_LOG_LEVEL=error")...), h.stderr
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
	h.in, h.out = in, bufio.NewScanner(out)
	h.out.Buffer(nil, 8<<20)
	first := h.next()
	h.ops = first.Ops
	if h.tools = strings.Fields(first.Text); first.Tools == 0 || len(first.Untyped) > 0 {
		t.Fatalf("the list of tools is %+v", first)
	}
	return h
}

func (h *host) send(line string) {
	h.t.Helper()
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		h.t.Fatalf("%v\n%s", err, h.stderr)
	}
}

// next is the next answer. What a client warns of is a failure.
func (h *host) next() (a hostAnswer) {
	h.t.Helper()
	for h.out.Scan() {
		a = hostAnswer{}
		if err := json.Unmarshal(h.out.Bytes(), &a); err != nil {
			h.t.Fatalf("%v in %s", err, h.out.Text())
		}
		if a.Warning == "" {
			return a
		}
		h.t.Errorf("the client warns: %s", a.Warning)
	}
	h.t.Fatalf("the client has ended: %v\n%s", h.out.Err(), h.stderr)
	return a
}

func (h *host) do(format string, args ...any) hostAnswer {
	h.t.Helper()
	h.send(fmt.Sprintf(format, args...))
	return h.next()
}

func (h *host) call(tool, args string) hostAnswer {
	h.t.Helper()
	return h.do(`{"tool":"%s","args":%s}`, tool, args)
}

// hostTools are the tool of README's first screen, and others whose answers are long, late, empty or of every kind of type.
func hostTools(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile("(?s)<!-- tool: sales/top_customers.sql -->\n```sql\n(.*?)```").FindSubmatch(readme)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"top_customers": string(first[1]),
		"late":          "/*---\ndescription: Late.\nlimits: {timeout: 50ms, rows: 1}\n---*/\nSELECT pg_sleep(60)::text AS a",
		"asleep":        "/*---\ndescription: Asleep.\nlimits: {rows: 1}\n---*/\nSELECT 'hosts' AS a, pg_sleep(600)::text AS b",
		"slow":          "/*---\ndescription: Slow.\nlimits: {rows: 1}\n---*/\nSELECT pg_sleep(2.5)::text AS a",
		"cut": "/*---\ndescription: Cut.\n---*/\nSELECT convert_to(repeat('x', 9000), 'UTF8') AS a, array_fill(1, ARRAY[2000]) AS b, repeat('z', 70000) AS c, '{}'::json AS d, " +
			"9007199254740993 AS e, 'NaN'::numeric AS f, NULL::int[] AS g, ARRAY[[1],[2]] AS h FROM generate_series(1, 20)",
		"none":   "/*---\ndescription: None.\n---*/\nSELECT 1 AS a WHERE false",
		"fading": "/*---\ndescription: Fading.\n---*/\nSELECT a FROM shop.fading",
	} {
		addTool(t, dir, name, text)
	}
	return dir
}

func addTool(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".sql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hostServers are the servers of one test: where clients find them, by transport.
type hostServers struct {
	url, tools string
	env        []string
	targets    map[string]string
}

func startHostServers(t *testing.T) *hostServers {
	t.Helper()
	if os.Getenv("HOSTS") == "" {
		t.Skip("HOSTS is not set: make hosts runs this")
	}
	s := &hostServers{url: pgtest.Demo(t), tools: hostTools(t)}
	pgtest.Exec(t, s.url, "CREATE TABLE shop.fading (a int)")
	s.env = []string{"DATABASE_URL=" + s.url, "MCP_TOOLS_DIR=" + s.tools, "MCP_TOOLSETS=explore,inspect,performance,health,tuning,custom"}
	streamable := serveHTTP(t, append(s.env, "MCP_TRANSPORT=streamable-http")).url + "/mcp"
	s.targets = map[string]string{
		"stdio":           self(t),
		"streamable-http": streamable,
		"sse":             serveHTTP(t, append(s.env, "MCP_TRANSPORT=sse")).url + "/sse",
		"mcp-remote":      "node_modules/.bin/mcp-remote " + streamable,
	}
	return s
}

// hostClients are those on the official SDKs, by the revision that they speak.
func hostClients(t *testing.T) map[string][]string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hosts")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = hostsFolder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the client: %v\n%s", err, out)
	}
	return map[string][]string{
		"TypeScript 1":             {hostNode, "client.mjs", "@modelcontextprotocol/sdk", "2025-11-25"},
		"TypeScript 2":             {hostNode, "client.mjs", "@modelcontextprotocol/client", "2025-11-25"},
		"TypeScript 2, 2026-07-28": {hostNode, "client.mjs", "@modelcontextprotocol/client", "2026-07-28"},
		"Go":                       {program, "2025-11-25"},
		"Go, 2026-07-28":           {program, "2026-07-28"},
	}
}

const hostNode = "node_modules/.bin/node"

// TestHosts: clients on the official SDKs take every answer, in every revision and over every transport.
func TestHosts(t *testing.T) {
	s := startHostServers(t)
	clients := hostClients(t)
	n := 0
	for client, command := range clients {
		for transport, target := range s.targets {
			if (transport == "sse" || transport == "mcp-remote") && strings.Contains(client, "2026") {
				continue // which have no such revision
			}
			n++
			added := fmt.Sprintf("added_%d", n)
			t.Run(client+" "+transport, func(t *testing.T) {
				over, env := transport, append(s.env, "MCP_REMOTE_CONFIG_DIR="+t.TempDir())
				if over == "mcp-remote" {
					over = "stdio"
				}
				h := startHost(t, env, append(command, over, target)...)
				h.right()
				h.errors()
				h.wrong()
				h.beside()
				h.cancellation(s.url)
				if streams := transport == "stdio" || transport == "sse" || client == "TypeScript 2, 2026-07-28"; streams && transport != "mcp-remote" {
					h.changes(s.tools, added)
				}
			})
		}
		t.Run(client+", degraded", func(t *testing.T) {
			h := startHost(t, s.env, append(command, "stdio", s.targets["stdio"])...)
			pgtest.Exec(t, s.url, "DROP TABLE shop.fading")
			if a := h.call("fading", `{}`); !a.IsError || a.Structured || a.Thrown != "" {
				t.Errorf("a degraded tool = %+v, want an error", a)
			}
			pgtest.Exec(t, s.url, "CREATE TABLE shop.fading (a int)")
		})
		t.Run(client+", without a database", func(t *testing.T) {
			h := startHost(t, append(slices.Clone(s.env[1:]), "DATABASE_URL="), append(command, "stdio", s.targets["stdio"])...)
			for _, tool := range h.tools {
				if a := h.call(tool, cmp.Or(rightArgs[tool], `{}`)); a.Thrown != "" || !a.IsError && !strings.Contains(a.Text, "No database is connected") && tool != "server_info" {
					t.Errorf("%s without a database = %+v, want the notice", tool, a)
				}
			}
		})
		t.Run(client+", database down", func(t *testing.T) {
			h := startHost(t, append(slices.Clone(s.env[1:]), "DATABASE_URL=postgres://x@127.0.0.1:1/x?connect_timeout=2"), append(command, "stdio", s.targets["stdio"])...)
			for tool, args := range map[string]string{"list_tables": `{}`, "query": `{"sql":"SELECT 1"}`, "describe_table": `{"table_name":"orders"}`} {
				if a := h.call(tool, args); !a.IsError || a.Error == nil || a.Error.Code != "unavailable" || a.Structured {
					t.Errorf("%s with the database down = %+v, want unavailable", tool, a)
				}
			}
			for _, line := range []string{`{"op":"all"}`, `{"op":"read","uri":"schema://shop"}`, `{"op":"complete","uri":"schema://{schema}","name":"schema","value":""}`} {
				if a := h.do("%s", line); !strings.Contains(a.Thrown, "not available") {
					t.Errorf("%s with the database down = %+v, want an error", line, a)
				}
			}
		})
	}
}

// rightArgs are arguments that tools need; the others are called without.
var rightArgs = map[string]string{
	"describe_table": `{"table_name":"orders"}`, "find_relationships": `{"table_name":"orders"}`, "get_foreign_keys": `{"table_name":"orders"}`,
	"list_indexes": `{"table_name":"orders"}`, "profile_table": `{"table_name":"orders"}`, "get_dependent_rows": `{"table_name":"orders"}`, "table_stats": `{"table_name":"orders"}`, "get_definition": `{"name":"order_totals"}`,
	"search_objects": `{"pattern":"customer"}`, "explain_query": `{"sql":"SELECT * FROM orders"}`, "query": `{"sql":"SELECT * FROM orders LIMIT 3","format":"json"}`, "top_customers": `{"country":"DE"}`,
}

// right calls every tool as it is to be called. Answers are whole, empty and cut.
func (h *host) right() {
	h.t.Helper()
	for _, tool := range h.tools {
		if tool == "asleep" || tool == "late" || tool == "slow" {
			continue
		}
		args := rightArgs[tool]
		if args == "" {
			args = `{}`
		}
		a := h.call(tool, args)
		if tool == "advise_indexes" && a.IsError && a.Thrown == "" && strings.Contains(a.Text, "need the extension hypopg") {
			continue // PostgreSQL does not bring it
		}
		if a.Thrown != "" || a.IsError || !a.Structured && tool != "describe_database" { // whose answer is a text
			h.t.Errorf("%s %s = %.300s %+v", tool, args, a.Text, a.Error)
		}
	}
	if a := h.call("cut", `{}`); !strings.Contains(a.Text, `"truncated":`) {
		h.t.Errorf("cut = %.300s, want that it says so", a.Text)
	}
	h.pages()
}

// pages reads two pages.
func (h *host) pages() {
	h.t.Helper()
	page := h.call("list_tables", `{"schema":"shop","page_size":2}`)
	next := regexp.MustCompile(`"next_cursor":"([^"]+)"`).FindStringSubmatch(page.Text)
	if next == nil {
		h.t.Fatalf("the first page is %+v, want a cursor", page)
	}
	second := h.call("list_tables", `{"schema":"shop","page_size":2,"cursor":"`+next[1]+`"}`)
	if second.Thrown != "" || second.IsError || !strings.Contains(second.Text, `"table_name"`) || second.Text == page.Text {
		h.t.Errorf("the second page is %+v", second)
	}
}

// wrong calls every tool with an argument that there is none of.
func (h *host) wrong() {
	h.t.Helper()
	for _, tool := range h.tools {
		if a := h.call(tool, `{"nope":1}`); !a.IsError || a.Structured || !strings.Contains(a.Text, "nope") {
			h.t.Errorf("%s with a wrong argument = %+v", tool, a)
		}
	}
}

func (h *host) errors() {
	h.t.Helper()
	for _, test := range []struct{ tool, args, code, text string }{
		{"top_customers", `{"country":"Germany","lmit":3}`, "invalid_arguments", `did you mean "limit"?`},
		{"get_foreign_keys", `{"table_name":"custmers"}`, "not_found", "customers"},
		{"list_tables", `{"schema":"shp"}`, "not_found", "shop"},
		{"list_schemas", `{"page_size":0}`, "invalid_arguments", "page_size"},
		{"list_tables", `{"cursor":"x"}`, "invalid_arguments", "cursor"},
		{"search_objects", `{"pattern":"zebra"}`, "not_found", "wider"},
		{"late", `{}`, "57014", "time limit"},
		{"query", `{"sql":"SELECT * FROM custmers"}`, "42P01", "customers"},
		{"query", `{"sql":"SELECT * FORM customers"}`, "42601", "FROM"},
	} {
		a := h.call(test.tool, test.args)
		if !a.IsError || a.Structured || a.Error == nil || a.Error.Code != test.code || a.Error.Message == "" || a.Error.Retryable == nil || !strings.Contains(a.Text, test.text) {
			h.t.Errorf("%s %s = %+v, want the error %s with %q", test.tool, test.args, a, test.code, test.text)
		}
	}
	if a := h.call("top_customers", `{"country":"DE"}`); a.IsError || !a.Structured {
		h.t.Errorf("a good call = %+v", a)
	}
}

// can reports whether the client has a function for something.
func (h *host) can(op string) bool { return h.ops == nil || slices.Contains(h.ops, op) }

var opName = regexp.MustCompile(`"op":"([a-z]+)"`)

// beside are resources, prompts, completion and progress.
func (h *host) beside() {
	h.t.Helper()
	for line, want := range map[string]string{
		`{"op":"all"}`:                              "schema://shop",
		`{"op":"read","uri":"schema://shop"}`:       "TABLE orders",
		`{"op":"read","uri":"table://shop/orders"}`: `"customer_id"`,
		`{"op":"prompt","name":"explain_plan_tips","args":{"sql":"SELECT 42"}}`:           "SELECT 42",
		`{"op":"complete","uri":"schema://{schema}","name":"schema","value":"sh"}`:        "shop",
		`{"op":"complete","uri":"tool://describe_table","name":"table_name","value":"o"}`: "orders",
		`{"op":"progress","tool":"slow","args":{}}`:                                       `"a":`,
	} {
		if !h.can(opName.FindStringSubmatch(line)[1]) {
			continue
		}
		a := h.do("%s", line)
		if counted := strings.Contains(line, `"all"`) || strings.Contains(line, `"progress"`); a.Thrown != "" || !strings.Contains(a.Text, want) || counted && a.Count == 0 {
			h.t.Errorf("%s = %+v, want %q", line, a, want)
		}
	}
	for _, line := range []string{`{"op":"read","uri":"schema://nope"}`, `{"op":"prompt","name":"nope","args":{}}`} {
		if !h.can(opName.FindStringSubmatch(line)[1]) {
			continue
		}
		if a := h.do("%s", line); a.Thrown == "" {
			h.t.Errorf("%s = %+v, want an error", line, a)
		}
	}
}

// cancellation cancels a call: its statement ends, and the session goes on.
func (h *host) cancellation(url string) {
	h.t.Helper()
	for range 2 {
		h.send(`{"tool":"asleep","args":{}}`)
		waitFor(h.t, "the statement runs", func() bool { return asleep(h.t, url) == "1" })
		h.send("cancel")
		if a := h.next(); a.Thrown == "" {
			h.t.Errorf("a cancelled call = %+v, want nothing", a)
		}
		waitFor(h.t, "the statement ends", func() bool { return asleep(h.t, url) == "0" })
		if a := h.call("list_tables", `{"schema":"shop"}`); a.IsError || a.Thrown != "" || !strings.Contains(a.Text, "orders") {
			h.t.Errorf("a call after a cancelled one = %+v", a)
		}
	}
}

func asleep(t *testing.T, url string) string {
	t.Helper()
	return pgtest.Value(t, url, `SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE '%''hosts'' AS a%' AND state = 'active' AND pid <> pg_backend_pid()`)
}

// changes adds a tool, of which the client is told.
func (h *host) changes(dir, name string) {
	h.t.Helper()
	before := h.do(`{"op":"changes"}`).Count
	addTool(h.t, dir, name, "/*---\ndescription: Added.\n---*/\nSELECT 1 AS a")
	waitFor(h.t, "the client is told of a new tool", func() bool { return h.do(`{"op":"changes"}`).Count > before })
}

// TestHostBusy: clients take the refusal of a caller whose statement nothing stops. A stopped process heeds no signal.
func TestHostBusy(t *testing.T) {
	startHostServers(t)
	c := pgtest.NewCluster(t, demo.Config{})
	s := serveHTTP(t, environment("POSTGRES_STATEMENT_TIMEOUT_MS=1000"), "--transport", "streamable-http", "--conn", c.URL(), "--pool-max", "2")
	for client, command := range hostClients(t) {
		t.Run(client, func(t *testing.T) {
			h := startHost(t, nil, append(command, "streamable-http", s.url+"/mcp")...)
			h.send(`{"tool":"query","args":{"sql":"SELECT pg_sleep(600) -- frozen"}}`)
			pid := 0
			waitFor(t, "the statement runs", func() bool {
				pid, _ = strconv.Atoi(pgtest.Value(t, c.AdminURL(), "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%-- frozen' AND pid <> pg_backend_pid()"))
				return pid != 0
			})
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = syscall.Kill(pid, syscall.SIGCONT)
				waitFor(t, "calls are let in again", func() bool { return !h.call("query", `{"sql":"SELECT 1"}`).IsError })
			}()
			if a := h.next(); !a.IsError || a.Structured || a.Thrown != "" {
				t.Errorf("a statement that nothing stops = %+v", a)
			}
			if a := h.call("query", `{"sql":"SELECT 1"}`); a.Error == nil || a.Error.Code != "busy" || a.Structured || a.Thrown != "" {
				t.Errorf("a call beside it = %+v, want busy", a)
			}
		})
	}
}

// TestHostFrameworks: what hosts declare to the APIs of models has all tools and the type of each value, and models read the errors.
func TestHostFrameworks(t *testing.T) {
	s := startHostServers(t)
	n := 0
	for _, name := range []string{"AI SDK", "@google/genai", "Gemini CLI", "LangChain", "OpenAI Agents"} {
		for _, transport := range []string{"stdio", "streamable-http"} {
			t.Run(name+" "+transport, func(t *testing.T) {
				h := startHost(t, s.env, hostNode, "--no-deprecation", "hosts.mjs", name, transport, s.targets[transport])
				if a := h.call("query", `{"sql":"SELECT count(*) FROM orders WHERE id < $1","parameters":["11"]}`); a.Thrown != "" || a.IsError || !strings.Contains(a.Text, "10") {
					t.Errorf("query = %+v", a)
				}
				h.pages()
				for _, test := range []struct{ tool, args, text string }{
					{"list_tables", `{"schema":"shp"}`, "Did you mean shop?"},
					{"get_foreign_keys", `{"table_name":"custmers"}`, "customers"},
					{"query", `{"sql":"SELECT * FORM customers"}`, "Did you mean FROM?"},
				} {
					if a := h.call(test.tool, test.args); a.Thrown != "" || !a.IsError && name != "OpenAI Agents" || !strings.Contains(a.Text, test.text) {
						t.Errorf("%s %s = %+v, want an error with %q", test.tool, test.args, a, test.text)
					}
				}
				h.beside()
				if h.can("cancel") {
					h.cancellation(s.url)
				}
				if h.can("changes") {
					n++
					h.changes(s.tools, fmt.Sprintf("framework_%d", n))
				}
				if h.stderr.Len() > 0 {
					t.Errorf("the client says %s", h.stderr)
				}
			})
		}
	}
}

// TestHostInspector: the Inspector has nothing to warn of, and does what its commands are for.
func TestHostInspector(t *testing.T) {
	s := startHostServers(t)
	for transport, target := range map[string][]string{
		"stdio": {s.targets["stdio"], "-e", asProgram + "=1", "-e", s.env[0], "-e", s.env[1], "-e", s.env[2], "-e", "MCP_LOG_LEVEL=error"},
		"http":  {s.targets["streamable-http"], "--transport", "http"},
	} {
		for _, test := range []struct {
			args []string
			want string
			fail bool
		}{
			{[]string{"tools/list", "--strict"}, `"top_customers"`, false},
			{[]string{"tools/call", "--tool-name", "query", "--tool-arg", "sql=SELECT count(*) FROM orders"}, "| 2000 |", false},
			{[]string{"tools/call", "--tool-name", "get_foreign_keys", "--tool-arg", "table_name=custmers"}, "Did you mean customers", true},
			{[]string{"tools/call", "--tool-name", "list_tables", "--tool-arg", "page_size=2"}, "next_cursor", false},
			{[]string{"resources/list"}, "schema://shop", false},
			{[]string{"resources/templates/list"}, "table://{schema}/{table}", false},
			{[]string{"resources/read", "--uri", "schema://shop"}, "TABLE orders", false},
			{[]string{"prompts/list"}, "explain_plan_tips", false},
			{[]string{"prompts/get", "--prompt-name", "explain_plan_tips", "--prompt-args", "sql=SELECT 42"}, "SELECT 42", false},
		} {
			launcher := "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
			cmd := exec.Command(hostNode, append(append([]string{launcher, "--cli", "--format", "json"}, target...), append([]string{"--method"}, test.args...)...)...)
			cmd.Dir, cmd.Env = hostsFolder, environment("HOME="+t.TempDir())
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			err := cmd.Run()
			if (err != nil) != test.fail || !strings.Contains(out.String()+stderr.String(), test.want) || strings.Contains(strings.ToLower(stderr.String()), "warning") {
				t.Errorf("over %s, %v = %.600s\n%.600s\n%v, want %s", transport, test.args, &out, &stderr, err, test.want)
			}
		}
	}
}
