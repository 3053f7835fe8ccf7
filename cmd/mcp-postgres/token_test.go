package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/oidctest"
	"mcp-postgres/internal/test/pgtest"
)

const tokenAudience = "https://tools.example.com/mcp"

// tokenIssuer is an issuer with one key.
type tokenIssuer struct {
	*httptest.Server
	key ed25519.PrivateKey
}

func newTokenIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{"kty": "OKP", "crv": "Ed25519", "use": "sig",
		"x": base64.RawURLEncoding.EncodeToString(public)}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(server.Close)
	return &tokenIssuer{server, private}
}

// env are the settings with which a server takes its tokens.
func (i *tokenIssuer) env(permissions string) []string {
	return []string{"MCP_AUTH_ISSUER=" + i.URL, "MCP_AUTH_JWKS_URL=" + i.URL, "MCP_AUTH_AUDIENCE=" + tokenAudience, "MCP_PERMISSIONS_FILE=" + permissions}
}

// header is that of a token; the server takes it for a minute after its expiry.
func (i *tokenIssuer) header(t *testing.T, sub string, expiry time.Time) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"iss": i.URL, "aud": tokenAudience, "sub": sub, "exp": expiry.Unix()}).SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

func TestStreamsEndWithTheirTokens(t *testing.T) {
	issuer := newTokenIssuer(t)
	permissions := permissionsFile(t, "roles: {a: {schemas: [shop], tables: \"*\", operations: [select]}}\nusers: {ann: a}\n")
	s := serveHTTP(t, issuer.env(permissions), "--transport", "streamable-http")
	sse := serveHTTP(t, issuer.env(permissions), "--transport", "sse")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	soon := issuer.header(t, "ann", time.Now().Add(-56*time.Second))
	res, err := s.post(ctx, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{`+meta+`"notifications":{"toolsListChanged":true}}}`,
		"Authorization", soon, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "subscriptions/listen")
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]*http.Response{"listen": res}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sse.url+"/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", soon)
	if streams["SSE"], err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	for name, res := range streams {
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			t.Log(name, lines.Text())
		}
		if err := lines.Err(); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: the stream of a token that ends gives %d, then %v, want 200 and a clean end", name, res.StatusCode, err)
		}
		_ = res.Body.Close()
	}
	for _, test := range []struct {
		token, want string
	}{{soon, "the token has expired"}, {issuer.header(t, "ann", time.Now().Add(time.Hour)), `"tools":[`}} {
		if res, err = s.post(ctx, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Authorization", test.token); err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			body.WriteString(lines.Text())
		}
		if !strings.Contains(body.String()+res.Header.Get("WWW-Authenticate"), test.want) {
			t.Errorf("afterwards tools/list = %d %.200s, want %s", res.StatusCode, body.String(), test.want)
		}
		_ = res.Body.Close()
	}
}

// TestToolsOfCaller lists tools with the token of a caller, who has two, and without one.
func TestToolsOfCaller(t *testing.T) {
	issuer := newTokenIssuer(t)
	env := append(issuer.env(permissionsFile(t, "roles: {a: {schemas: [shop], tables: \"*\", operations: [select], tools: [query, list_tables]}}\nusers: {ann: a}\n")),
		"DATABASE_URL="+pgtest.Demo(t))
	token := func(sub string) string {
		return "MCP_AUTH_TOKEN=" + strings.TrimPrefix(issuer.header(t, sub, time.Now().Add(time.Hour)), "Bearer ")
	}
	for _, test := range []struct {
		name           string
		env, args      []string
		status         int
		want, wantNone string // in what is printed
	}{
		{"the caller's", []string{token("ann")}, []string{"tools"}, 0, "list_tables", "find_relationships"},
		{"as JSON", []string{token("ann")}, []string{"tools", "--json"}, 0, `"name": "query"`, "find_relationships"},
		{"one", []string{token("ann")}, []string{"tools", "list_tables"}, 0, "SQL (", ""},
		{"one that is not the caller's", []string{token("ann")}, []string{"tools", "describe_table"}, 1, `unknown tool "describe_table"`, "SQL ("},
		{"over HTTP", []string{token("ann"), "MCP_TRANSPORT=streamable-http"}, []string{"tools"}, 0, "list_tables", "find_relationships"},
		{"nobody's", []string{token("bob")}, []string{"tools"}, 1, "no role for this caller", "list_tables"},
		{"the operator's", []string{"MCP_TRANSPORT=streamable-http"}, []string{"tools"}, 0, "describe_table", ""},
		{"no token", nil, []string{"tools"}, 1, "MCP_AUTH_ISSUER is set without MCP_AUTH_TOKEN", "list_tables"},
	} {
		got := cliRun(t, append(test.env, env...), test.args...)
		if text := got.out + got.err; got.status != test.status || !strings.Contains(text, test.want) || test.wantNone != "" && strings.Contains(text, test.wantNone) {
			t.Errorf("%s: tools = %+v, want status %d, %q and no %q", test.name, got, test.status, test.want, test.wantNone)
		}
	}
}

// listen hears of changes of the tools until the test ends.
func (s *site) listen(t *testing.T, headers []string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	res, err := s.post(ctx, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{`+meta+`"notifications":{"toolsListChanged":true}}}`,
		append(headers, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "subscriptions/listen")...)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	var wait sync.WaitGroup
	wait.Go(func() {
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if strings.Contains(lines.Text(), "tools/list_changed") {
				heard <- lines.Text()
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wait.Wait()
		_ = res.Body.Close()
	})
	return heard
}

// TestPermissionsReload rewrites the permissions of a running server.
func TestPermissionsReload(t *testing.T) {
	issuer, url := newTokenIssuer(t), pgtest.Demo(t)
	_, own := pgtest.Role(t, url)
	const first = `
roles: {a: {schemas: [shop], tables: "*", operations: [select], tools: [query, list_tables]}}
users: {ann: a}
`
	path := permissionsFile(t, first)
	s := serveHTTP(t, append(issuer.env(path), "DATABASE_URL="+url, "OWN_DSN="+own), "--transport", "streamable-http")
	ann := []string{"Authorization", issuer.header(t, "ann", time.Now().Add(time.Hour))}
	ask := func(body string) string {
		t.Helper()
		res, err := s.post(t.Context(), "/mcp", body, ann...)
		return oidctest.Read(t, res, err)
	}
	query := func(sql string) string {
		t.Helper()
		return ask(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"` + sql + `"}}}`)
	}
	const orders, customers = "SELECT count(*) FROM orders", "SELECT count(*) FROM customers"
	if got := query(orders); !strings.Contains(got, "| 2000 |") {
		t.Fatalf("at the start orders = %s", got)
	}
	heard := s.listen(t, ann)
	reloads := map[string]int{}
	for _, test := range []struct {
		name, text string
		result     string // of the reload
		sql, want  string
	}{
		{"a table less", strings.ReplaceAll(first, `"*"`, "[customers]"), "ok", orders, `"code":"forbidden"`},
		{"the other stays", strings.ReplaceAll(first, `"*"`, "[customers]") + "# the same\n", "ok", customers, "| 400 |"},
		{"a fault", "roles: {a: {schemas: shop", "error", orders, `"code":"forbidden"`},
		{"an unknown role", strings.ReplaceAll(first, "ann: a", "ann: b"), "error", customers, "| 400 |"},
		{"nothing", "", "error", orders, `"code":"forbidden"`},
		{"a connection that is not set", strings.ReplaceAll(first, "select],", "select], connection: NOT_SET,"), "error", orders, `"code":"forbidden"`},
		{"a connection", strings.ReplaceAll(first, "select],", "select], connection: OWN_DSN,"), "ok", "SELECT count(*) FROM shop.orders", "permission denied"},
		{"as at the start", first, "ok", orders, "| 2000 |"},
		{"a tool less", strings.ReplaceAll(first, "[query, list_tables]", "[list_tables]"), "ok", orders, `unknown tool`},
		{"nobody", strings.ReplaceAll(first, "ann: a", "bob: a"), "ok", orders, "no role for this caller"},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		reloads[test.result]++
		counted := fmt.Sprintf("mcp_postgres_permissions_reloads_total{result=%q} %d\n", test.result, reloads[test.result])
		waitFor(t, test.name+": the file is read", func() bool { return strings.Contains(s.metrics(), counted) })
		if got := query(test.sql); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s = %s, want %s", test.name, test.sql, got, test.want)
		}
		if test.result == "ok" {
			waitFor(t, test.name+": the client is told", func() bool { return len(heard) > 0 })
			for len(heard) > 0 {
				<-heard
			}
		}
	}
}

// TestEachCallAsItsRole has eight callers make 160 calls at once: some roles have logins of their own, some are roles of the
// shared login. Each answer is that of its caller, by its login, its role and its rows under row security.
func TestEachCallAsItsRole(t *testing.T) {
	t.Parallel()
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	pgtest.Exec(t, c.AdminURL(), `CREATE SCHEMA app; CREATE TABLE app.notes (owner text, text text); ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON app.notes USING (owner = current_setting('mcp.sub') AND current_setting('request.jwt.claims')::json ->> 'sub' = owner);
		INSERT INTO app.notes SELECT 'u' || n, 'note ' || n FROM generate_series(0, 7) AS n`)
	issuer, rules, users, env := newTokenIssuer(t), "roles:\n", "users:\n", []string{}
	for n := range 4 {
		name := fmt.Sprintf("r%d", n)
		pgtest.Exec(t, c.AdminURL(), "CREATE ROLE "+name+" LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA app TO "+name+"; GRANT SELECT ON app.notes TO "+name)
		rules += "  " + name + ": {schemas: [app], tables: \"*\", operations: [select], "
		if n%2 == 0 {
			rules += "connection: " + strings.ToUpper(name) + "_DSN}\n"
			_, place, _ := strings.Cut(c.AdminURL(), "@")
			env = append(env, strings.ToUpper(name)+"_DSN=postgres://"+name+":x@"+place)
		} else {
			rules += "database_role: " + name + "}\n"
		}
		users += fmt.Sprintf("  u%d: %s\n  u%d: %s\n", n, name, n+4, name)
	}
	env = append(append(env, issuer.env(permissionsFile(t, rules+users))...), "DATABASE_URL="+c.AdminURL(), "MCP_CALLER_RATE=1000", "MCP_CALLER_CONCURRENT=100")
	s := serveHTTP(t, env, "--transport", "streamable-http")
	var calls sync.WaitGroup
	for n := range 160 {
		sub := fmt.Sprintf("u%d", n%8)
		header := issuer.header(t, sub, time.Now().Add(time.Hour))
		calls.Go(func() {
			res, err := s.post(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":`+
				`"SELECT current_user, session_user = current_user AS own, owner, text FROM notes","format":"csv"}}}`, "Authorization", header)
			if err != nil {
				t.Error(err)
				return
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if want := fmt.Sprintf(`r%d,%v,%s,note %d\n`, n%4, n%2 == 0, sub, n%8); !strings.Contains(string(body), want) || strings.Count(string(body), "note ") != 1 {
				t.Errorf("the answer to %s is %s, want the row %s", sub, body, want)
			}
		})
	}
	calls.Wait()
}
