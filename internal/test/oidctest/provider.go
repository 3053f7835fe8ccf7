// Package oidctest gives tests a certified OpenID provider, the npm package oidc-provider, and the browser of a person
// who signs in there. make e2e installs what it needs from npm.
package oidctest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mcp-postgres/internal/test/pgtest"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Provider is the provider as a process. It is up between Start and Stop; its keys outlive it.
type Provider struct {
	URL string

	port, keys, audience string // keys is a file
	process              *exec.Cmd
	in                   io.WriteCloser
	out                  *bufio.Reader
}

// New finds an address for a provider, whose tokens are for audience unless the client names another resource. Tests
// are skipped unless OIDC_E2E is set.
func New(t *testing.T, audience string) *Provider {
	t.Helper()
	if os.Getenv("OIDC_E2E") == "" {
		t.Skip("OIDC_E2E is not set: make e2e runs this")
	}
	port := pgtest.FreePort(t)
	p := &Provider{URL: "http://127.0.0.1:" + port, port: port, keys: filepath.Join(t.TempDir(), "keys.json"),
		audience: audience}
	t.Cleanup(p.Stop)
	return p
}

// Dir is the folder of this package, with the installed npm packages.
func Dir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, "internal", "test", "oidctest")
		}
	}
	t.Fatalf("no go.mod above the test: %v", err)
	return ""
}

// Start waits until the provider listens.
func (p *Provider) Start(t *testing.T) {
	t.Helper()
	p.process = exec.Command("node", "issuer.mjs", p.port, p.keys, p.audience)
	p.process.Dir = Dir(t)
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

func (p *Provider) ok(t *testing.T) {
	t.Helper()
	if line, err := p.out.ReadString('\n'); line != "ok\n" {
		t.Fatalf("the provider says %q, %v: want ok", line, err)
	}
}

// Command gives the provider one of the commands in issuer.mjs.
func (p *Provider) Command(t *testing.T, name string) {
	t.Helper()
	fmt.Fprintln(p.in, name)
	p.ok(t)
}

// Stop ends the process.
func (p *Provider) Stop() {
	if p.process != nil {
		_ = p.in.Close()
		_ = p.process.Wait()
		http.DefaultClient.CloseIdleConnections()
		p.process = nil
	}
}

var formAction = regexp.MustCompile(`action="([^"]+)"`)

// SignIn is a browser in which a person opens the page of an authorization, gives a name and a password, and consents.
// It gives the answer that sends the browser back to the client, and stops there.
func (p *Provider) SignIn(t *testing.T, page, login string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != p.URL {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answer, err := browser.Get(page)
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {login}, "password": {"x"}},
		{"prompt": {"consent"}}} {
		text := Read(t, answer, err)
		action := formAction.FindStringSubmatch(text)
		if action == nil {
			t.Fatalf("no form at %s: %s", answer.Request.URL, text)
		}
		target, parseErr := answer.Request.URL.Parse(html.UnescapeString(action[1]))
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		answer, err = browser.PostForm(target.String(), form)
	}
	text := Read(t, answer, err)
	back, err := answer.Location()
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("sign-in ends at %v, %v: want a code\n%s", back, err, text)
	}
	return back
}

// Job gets the token of a program, for a resource.
func (p *Provider) Job(t *testing.T, resource string) string {
	t.Helper()
	return p.Tokens(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {"job"},
		"client_secret": {"secret-of-the-job"},
		"scope":         {"db:use"}, "resource": {resource}})["access_token"]
}

// Tokens gives what the token endpoint answers.
func (p *Provider) Tokens(t *testing.T, form url.Values) map[string]string {
	t.Helper()
	answer, err := http.PostForm(p.URL+"/token", form)
	body := Read(t, answer, err)
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

// Read gives the body of an answer.
func Read(t *testing.T, answer *http.Response, err error) string {
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
