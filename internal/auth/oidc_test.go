package auth_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mcp-postgres/internal/auth"
)

// provider is the npm package oidc-provider as a process.
type provider struct {
	url     string
	port    string
	keys    string // a file
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	p := &provider{url: "http://127.0.0.1:" + port, port: port, keys: filepath.Join(t.TempDir(), "keys.json")}
	t.Cleanup(p.stop)
	return p
}

func (p *provider) start(t *testing.T) {
	t.Helper()
	p.process = exec.Command("node", "issuer.mjs", p.port, p.keys, audience)
	p.process.Dir = filepath.Join("testdata", "oidc")
	in, err := p.process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.process.Start(); err != nil {
		t.Fatalf("starting the provider: %v (make e2e installs it)", err)
	}
	p.ok(t)
}

func (p *provider) ok(t *testing.T) {
	t.Helper()
	if line, err := p.out.ReadString('\n'); line != "ok\n" {
		t.Fatalf("the provider says %q, %v: want ok", line, err)
	}
}

func (p *provider) command(t *testing.T, name string) {
	t.Helper()
	fmt.Fprintln(p.in, name)
	p.ok(t)
}

func (p *provider) stop() {
	if p.process != nil {
		_ = p.in.Close()
		_ = p.process.Wait()
		http.DefaultClient.CloseIdleConnections()
		p.process = nil
	}
}

// browser goes through a sign-in, and stops where the agent would take over.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

var formAction = regexp.MustCompile(`action="([^"]+)"`)

func read(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// signIn gets the tokens of a person: authorization code with PKCE, as MCP clients do it.
func (p *provider) signIn(t *testing.T, login string) (access, id string) {
	t.Helper()
	b := browser(t)
	const secret = "0123456789012345678901234567890123456789abc"
	hash := sha256.Sum256([]byte(secret))
	answer, err := b.Get(p.url + "/auth?" + url.Values{"client_id": {"agent"}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1/callback"},
		"scope": {"openid db:use"}, "resource": {audience}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])}}.Encode())
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {login}, "password": {"x"}}, {"prompt": {"consent"}}} {
		action := formAction.FindStringSubmatch(read(t, answer, err))
		if action == nil {
			t.Fatalf("no form at %s", answer.Request.URL)
		}
		target, parseErr := answer.Request.URL.Parse(html.UnescapeString(action[1]))
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		answer, err = b.PostForm(target.String(), form)
	}
	read(t, answer, err)
	back, err := answer.Location()
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("sign-in ends at %v, %v: want a code", back, err)
	}
	tokens := p.tokens(t, url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {"agent"},
		"redirect_uri": {"http://127.0.0.1/callback"}, "code_verifier": {secret}, "resource": {audience}})
	return tokens["access_token"], tokens["id_token"]
}

// job gets the token of a program.
func (p *provider) job(t *testing.T, resource string) string {
	t.Helper()
	return p.tokens(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {"job"}, "client_secret": {"secret-of-the-job"},
		"scope": {"db:use"}, "resource": {resource}})["access_token"]
}

func (p *provider) tokens(t *testing.T, form url.Values) map[string]string {
	t.Helper()
	answer, err := http.PostForm(p.url+"/token", form)
	body := read(t, answer, err)
	var all map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil || all["access_token"] == nil {
		t.Fatalf("the token endpoint says %s", body)
	}
	tokens := map[string]string{}
	for name, v := range all {
		tokens[name], _ = v.(string)
	}
	return tokens
}

var quoted = regexp.MustCompile(`resource_metadata="([^"]+)"`)

// TestOIDCProvider is the way of an MCP client from the first refusal to an accepted call, with a certified provider.
func TestOIDCProvider(t *testing.T) {
	if os.Getenv("OIDC_E2E") == "" {
		t.Skip("OIDC_E2E is not set: make e2e runs this")
	}
	p := newProvider(t)
	config := (&issuer{Server: &httptest.Server{URL: p.url}}).config()
	config.Scopes = []string{"db:use"}
	v := verifier(t, config) // the provider is not up yet
	resource := auth.Resource{Path: "/mcp", Issuer: p.url, Scopes: config.Scopes}
	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.Middleware(auth.Gate{Verifier: v, Resource: resource, Admit: admit})(whoami))
	mux.Handle("/.well-known/oauth-protected-resource/", auth.MetadataHandler(resource))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	call := func(token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/mcp", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		body := read(t, answer, err)
		return answer.StatusCode, body
	}
	expect := func(what, token string, status int, words string) {
		t.Helper()
		if got, body := call(token); got != status || !strings.Contains(body, words) {
			t.Errorf("%s: %d %s, want %d %s", what, got, body, status, words)
		}
	}
	expect("before the provider is up", "a.b.c", 503, "can't be fetched")
	p.start(t)
	soon(t, "readiness", func() bool { return v.Ready() == nil })

	answer, err := http.Post(server.URL+"/mcp", "application/json", strings.NewReader("{}"))
	read(t, answer, err)
	where := quoted.FindStringSubmatch(answer.Header.Get("WWW-Authenticate"))
	if answer.StatusCode != 401 || where == nil {
		t.Fatalf("without a token: %d %v, want 401 and where to look", answer.StatusCode, answer.Header)
	}
	answer, err = http.Get(where[1])
	if body := read(t, answer, err); !strings.Contains(body, `"authorization_servers":["`+p.url+`"]`) {
		t.Errorf("metadata is %s, want the provider in it", body)
	}

	access, id := p.signIn(t, "alice@example.com")
	expect("access token", access, 200, "alice@example.com")
	expect("ID token", id, 401, "audience")
	job := p.job(t, audience)
	expect("token of a program", job, 200, "job")
	expect("token for another service", p.job(t, "https://other.example.com"), 401, "audience")

	p.command(t, "rotate")
	rotated := p.job(t, audience)
	soon(t, "new key", func() bool { status, _ := call(rotated); return status == 200 })
	expect("token of the old key", access, 200, "alice@example.com")

	p.stop()
	expect("known token during an outage", access, 200, "alice@example.com")
	expect("another token during an outage", job, 200, "job")
	p.start(t)
	p.command(t, "drop")
	soon(t, "removed key", func() bool { status, _ := call(access); return status == 401 })
	expect("token of the new key", rotated, 200, "job")
	expect("token made afterwards", p.job(t, audience), 200, "job")
}
