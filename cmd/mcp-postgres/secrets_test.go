package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/test/pgtest"
)

// planted is in every secret of these tests, and in nothing else.
const planted = "pl4nted"

// tellsNothing fails where a text holds a planted secret.
func tellsNothing(t *testing.T, where, text string) {
	t.Helper()
	if at := strings.Index(text, planted); at >= 0 {
		t.Errorf("%s tells a secret: %s", where, text[max(0, at-200):min(len(text), at+100)])
	}
}

// tattler listens as a PostgreSQL that asks for the password and tells it in its refusal, as no good one does.
func tattler(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wait.Wait() })
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() { defer c.Close(); tattle(c) })
		}
	})
	return l.Addr().String()
}

func tattle(c net.Conn) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	startup := make([]byte, binary.BigEndian.Uint32(head)-8)
	_, _ = io.ReadFull(c, startup)
	_, _ = c.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // the password in clear text, please
	if _, err := io.ReadFull(c, head[:5]); err != nil {
		return
	}
	password := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, _ = io.ReadFull(c, password)
	message := fmt.Sprintf("unrecognized configuration parameter \"%s\" of postgres://app:%[1]s@db/shop", strings.TrimRight(string(password), "\x00"))
	body := "SFATAL\x00VFATAL\x00C42704\x00M" + message + "\x00\x00"
	_, _ = c.Write(append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(body)+4)), body...))
}

// TestSecretsInFaults gives each setting that can hold a secret a value that can't be used, to each command that reads it.
func TestSecretsInFaults(t *testing.T) {
	t.Parallel()
	permissions := permissionsFile(t, "roles:\n  reader: {schemas: [shop], tables: \"*\", operations: [select], connection: READER_DB}\nusers: {ann: reader}\n")
	key := pgtest.File(t, []byte("no key"))
	auth := []string{"MCP_AUTH_ISSUER=http://127.0.0.1:1", "MCP_AUTH_AUDIENCE=x", "MCP_PERMISSIONS_FILE=" + permissions}
	commands := [][]string{{"serve"}, {"call", "list_tables"}, {"tools"}, {"check"}, {"test"}, {"doctor"}}
	for i, url := range []string{
		"mysql+asyncpg://app:" + planted + "@localhost:6543/shop?sslmode=disable", "postgresql+//app:" + planted + "@db/shop?ssl=true", "app:" + planted + "@db",
		"'postgresql://app:" + planted + "@db/shop?sslmode=disable", "postgres://app:p@" + planted + "@db/shop", "postgres://app:12/" + planted + "@db/shop",
		"postgres://app:%" + planted + "@db/shop", "postgres://app:" + planted + "@db/shop?socketTimeout=x", "host=db password=a " + planted + "=x",
		"host=db password=" + planted + " sslmode=Disable", "postgres://app@db/shop?sslkey=" + key + "&sslcert=" + key + "&sslpassword=" + planted,
		"postgres://app@db/shop?sslrootcert=app:" + planted + "@db", "postgres://app:" + planted + "@db:port/shop", planted,
	} {
		for n, args := range commands {
			if i > 1 && n > 0 { // they read it in the same way
				continue
			}
			got := cliRun(t, []string{"DATABASE_URL=" + url}, args...)
			if got.status == 0 || !strings.Contains(got.err, "mcp-postgres: connection string: ") || strings.Count(got.err, "\n") != 1 {
				t.Errorf("%v with %q ends with %d: %s\nwant one line that refuses it", args, url, got.status, got.err)
			}
			tellsNothing(t, fmt.Sprintf("%v with %q", args, url), got.out+got.err)
		}
		cases := []cliResult{
			cliRun(t, nil, "--conn", url, "tools"), cliRun(t, append(auth, "MCP_AUTH_TOKEN=a.b.c", "READER_DB="+url), "call", "list_tables"),
			cliRun(t, append(auth, "READER_DB="+url), "doctor"), cliRun(t, append(auth, "READER_DB="+url), "grants"), cliRun(t, append(auth, "DATABASE_URL="+url), "grants"),
		}
		if strings.ContainsAny(url, ":@") { // else it has no form
			cases = append(cases, cliRun(t, nil, url), cliRun(t, nil, "--con="+url, "tools"), cliRun(t, nil, "call", "list_tables", url), cliRun(t, nil, "check", url))
		}
		for _, got := range cases {
			tellsNothing(t, "a command with "+url, got.out+got.err)
		}
	}
	for _, url := range []string{ // those of other programs, which are understood
		"postgresql+asyncpg://app:" + planted + "@127.0.0.1:1/shop?ssl=require", "ecto://app:" + planted + "@127.0.0.1:1/shop?pool_size=2",
		"jdbc:postgresql://127.0.0.1:1/shop?user=app&password=" + planted + "&currentSchema=x",
	} {
		got := cliRun(t, []string{"DATABASE_URL=" + url}, "serve")
		if !strings.Contains(got.err, "the scheme (read as postgresql)") {
			t.Errorf("serve with %q: %s, want a line that says how it is read", url, got.err)
		}
		tellsNothing(t, "serve with "+url, got.out+got.err)
	}
	for _, env := range [][]string{
		{"MCP_AUTH_TOKEN=" + planted + "-token"}, {"MCP_PUBLIC_URL=https://app:" + planted + "@tools.example.com/mcp", "MCP_TRANSPORT=streamable-http"},
		{"MCP_AUTH_JWKS_URL=https://app:" + planted + "@id.example.com/keys"}, {"MCP_AUTH_JWKS_URL=https://id.example.com:port/keys?key=" + planted},
		{"MCP_AUTH_ISSUER=https://app:" + planted + "@id.example.com"}, {"MCP_AUTH_ISSUER=https://id.example.com?key=" + planted},
		{"MCP_ALLOWED_ORIGINS=https://app:" + planted + "@id.example.com/x", "MCP_TRANSPORT=streamable-http"}, {"MCP_TOOLS_DIR=postgres://app:" + planted + "@db"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://app:" + planted + "@127.0.0.1:port"}, {"OTEL_RESOURCE_ATTRIBUTES=" + planted, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
	} {
		got := cliRun(t, append(auth, append([]string{"READER_DB=postgres://reader@127.0.0.1:1/x"}, env...)...), "serve")
		if got.status == 0 && !strings.HasPrefix(env[0], "MCP_AUTH_TOKEN") { // which can't be verified before the issuer answers
			t.Errorf("serve with %v starts", env)
		}
		tellsNothing(t, fmt.Sprintf("serve with %v", env), got.out+got.err)
	}
}

// TestSecretsWhileServing plants secrets in all that a server works with, has all of it fail, and looks at all that it says.
func TestSecretsWhileServing(t *testing.T) {
	t.Parallel()
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprint("who is ", r.Header, r.URL), http.StatusUnauthorized)
	}))
	t.Cleanup(collector.Close)
	database := tattler(t)
	passfile := filepath.Join(t.TempDir(), "passfile")
	if err := os.WriteFile(passfile, []byte("*:*:*:filed:"+planted+"-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	audit := filepath.Join(t.TempDir(), "audit")
	permissions := permissionsFile(t, "roles:\n  reader: {schemas: [shop], tables: \"*\", operations: [select], connection: READER_DB}\nusers: {ann: reader}\n")
	issuer := newTokenIssuer(t)
	env := []string{"PGPASSFILE=" + passfile, "MCP_AUDIT=" + audit, "MCP_AUDIT_SQL=true", "MCP_LOG_LEVEL=debug", "READER_DB=postgres://app:" + planted + "-role@" + database + "/shop?sslmode=disable",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + strings.Replace(collector.URL, "http://", "http://app:"+planted+"-otlp@", 1),
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=" + planted + "-header,x-key=" + planted + "%20header," + planted + "-broken", "HTTP_PROXY=", "NO_PROXY="}
	jwks := "MCP_AUTH_JWKS_URL=https://id.example.invalid/keys?key=" + planted + "-keys"
	login := "DATABASE_URL=postgres://app:" + planted + "-url@" + database + "/shop?sslmode=disable"
	for name, more := range map[string][]string{
		"URL": {login}, "URL, JSON": {login, "MCP_LOG_FORMAT=json"}, "encoded": {"DATABASE_URL=postgres://app:%22" + planted + "%40%5C@" + database + "/shop?sslmode=disable"},
		"passfile": {"DATABASE_URL=postgres://filed@" + database + "/shop?sslmode=disable"}, "pairs": {"DATABASE_URL=host=127.0.0.1 port=" + database[strings.Index(database, ":")+1:] + " user=app sslmode=disable password='" + planted + " pair'"},
		"role":             append(issuer.env(permissions), login),
		"key set":          append(issuer.env(permissions), login, "MCP_AUTH_JWKS_URL="+collector.URL+"/keys?key="+planted+"-keys"),
		"proxy":            append(issuer.env(permissions), login, jwks, "HTTPS_PROXY=http://app:"+planted+"-proxy@127.0.0.1:1"),
		"refused by proxy": append(issuer.env(permissions), login, jwks, "HTTPS_PROXY=http://app:"+planted+"-proxy@"+collector.Listener.Addr().String()),
		"proxy, malformed": append(issuer.env(permissions), login, jwks, "HTTPS_PROXY=app:"+planted+"-proxy@127.0.0.1:port"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := serveHTTP(t, slices.Concat(env, more), "--transport", "streamable-http", "--metrics", "on")
			for _, header := range []string{"Bearer eyJhbGciOi." + planted + ".c2lnbmF0dXJl", issuer.header(t, "ann", time.Now().Add(time.Hour))} {
				for _, call := range []string{`"query","arguments":{"sql":"SELECT 1"}`, `"server_info","arguments":{}`, `"list_tables","arguments":{}`} {
					res, err := s.post(t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":`+call+`}}`, "Authorization", header)
					tellsNothing(t, call, bodyOf(t, res, err))
				}
			}
			for _, page := range []string{"/readyz", "/healthz", "/metrics", "/.well-known/oauth-protected-resource", "/mcp?access_token=" + planted} {
				res, err := http.Get(s.url + page)
				tellsNothing(t, page, bodyOf(t, res, err))
			}
			s.signal(syscall.SIGTERM)
			<-s.ended
			tellsNothing(t, "stderr", s.log.String())
			want := "failed to send to" // of traces
			if strings.Contains(strings.Join(more, " "), "key="+planted) {
				want = "fetching the issuer's keys failed"
			}
			for _, want := range []string{"no connection to the database", "parse headers", want} {
				if !strings.Contains(s.log.String(), want) {
					t.Errorf("stderr lacks %q, so nothing was tried:\n%s", want, s.log.String())
				}
			}
		})
	}
	t.Cleanup(func() {
		text, err := os.ReadFile(audit)
		if err != nil || len(text) == 0 {
			t.Errorf("the audit is %q, %v", text, err)
		}
		tellsNothing(t, "the audit", string(text))
	})
}

func bodyOf(t *testing.T, res *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body) + fmt.Sprint(res.Header)
}
