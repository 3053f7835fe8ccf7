package main

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mcp-postgres/internal/test/oidctest"
	"mcp-postgres/internal/test/pgtest"
)

// guarded serves the demo database to who has a token of a provider; alice may read the schema shop.
func guarded(t *testing.T) (*oidctest.Provider, *site) {
	t.Helper()
	port := pgtest.FreePort(t)
	resource := "http://127.0.0.1:" + port + "/mcp"
	p := oidctest.New(t, "https://nobody.example.com")
	p.Start(t)
	permissions := permissionsFile(t, `
roles:
  reader: {schemas: [shop], tables: "*", operations: [select], tools: [list_tables, query]}
users: {alice@example.com: reader, job: reader}
`)
	return p, serveHTTP(t, []string{"DATABASE_URL=" + pgtest.Demo(t), "MCP_AUTH_ISSUER=" + p.URL, "MCP_AUTH_AUDIENCE=" + resource,
		"MCP_PERMISSIONS_FILE=" + permissions}, "--transport", "streamable-http", "--port", port, "--auth-scopes", "db:use")
}

// TestOIDCBridge is the npm package mcp-remote, a client on standard input and output for those that speak nothing else. It
// is told only the URL of the server: from the first 401 it finds the description of the resource, the provider and its
// endpoints, introduces itself, sends the person's browser to the provider, and gets a token for this server.
func TestOIDCBridge(t *testing.T) {
	p, s := guarded(t)
	pages := make(chan string, 1)
	read, write := io.Pipe()
	var wait sync.WaitGroup
	wait.Go(func() {
		for lines := bufio.NewScanner(read); lines.Scan(); {
			t.Log(lines.Text())
			if strings.HasPrefix(lines.Text(), p.URL+"/auth?") {
				pages <- lines.Text()
			}
		}
	})
	t.Cleanup(func() { _ = write.Close(); wait.Wait() })
	bridge := exec.Command("node", filepath.Join(oidctest.Dir(t), "node_modules", "mcp-remote", "dist", "proxy.js"), s.url+"/mcp")
	bridge.Env = environment("MCP_REMOTE_CONFIG_DIR="+t.TempDir(), "BROWSER=true")
	client := talk(t, bridge, write)
	client.send(hello)
	select {
	case page := <-pages:
		back := p.SignIn(t, page, "alice@example.com")
		answer, err := http.Get(back.String())
		oidctest.Read(t, answer, err)
	case <-time.After(30 * time.Second):
		t.Fatal("the bridge does not send the person to the provider")
	}
	if m := client.receive(); m.ID != "init" || m.Error != nil {
		t.Fatalf("initialize = %+v", m)
	}
	client.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	list := client.request(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if len(list.Result.Tools) != 2 {
		t.Errorf("tools/list gives %d tools, want the 2 of the role", len(list.Result.Tools))
	}
	if m := client.call("query", `{"sql": "SELECT count(*) FROM shop.orders"}`); m.Result.IsError || !strings.Contains(m.Result.Content[0].Text, "| 2000 |") {
		t.Errorf("query = %+v, want 2000", m.Result)
	}
	if m := client.call("query", `{"sql": "SELECT count(*) FROM billing.invoices"}`); !m.Result.IsError {
		t.Errorf("a query that the role does not allow = %+v, want an error", m.Result)
	}
}

// TestOIDCInspector is the Inspector with and without a token; -v shows what it prints.
func TestOIDCInspector(t *testing.T) {
	npx, err := exec.LookPath("npx")
	if err != nil {
		t.Skip("no Node.js here: the Inspector can't run")
	}
	p, s := guarded(t)
	token := []string{"--header", "Authorization: Bearer " + p.Job(t, s.url+"/mcp")}
	query := []string{"--method", "tools/call", "--tool-name", "query", "--tool-arg", "sql=SELECT count(*) FROM orders"}
	for _, era := range []string{"legacy", "modern"} {
		way := []string{s.url + "/mcp", "--transport", "http", "--protocol-era", era}
		for _, test := range []struct {
			args  []string
			wants string
		}{
			{append(way, "--method", "tools/list"), `"code":"auth_required"`},
			{slices.Concat(way, token, []string{"--method", "tools/list"}), `"name":"list_tables"`},
			{slices.Concat(way, token, query), "| 2000 |"},
		} {
			got := inspect(t, npx, test.args...)
			t.Logf("--protocol-era %s, token %t, %.12s\n%.300s", era, slices.Contains(test.args, token[0]), test.args[slices.Index(test.args, "--method")+1], got)
			if !strings.Contains(got, test.wants) {
				t.Errorf("want %s", test.wants)
			}
		}
	}
}
