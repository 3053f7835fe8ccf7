package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/test/oidctest"
)

// signIn gets the tokens of a person: authorization code with PKCE, as MCP clients do it.
func signIn(t *testing.T, p *oidctest.Provider, login string) (access, id string) {
	t.Helper()
	const secret = "0123456789012345678901234567890123456789abc"
	hash := sha256.Sum256([]byte(secret))
	back := p.SignIn(t, p.URL+"/auth?"+url.Values{"client_id": {"agent"}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1/callback"},
		"scope": {"openid db:use"}, "resource": {audience}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])}}.Encode(), login)
	all := p.Tokens(t, url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {"agent"},
		"redirect_uri": {"http://127.0.0.1/callback"}, "code_verifier": {secret}, "resource": {audience}})
	return all["access_token"], all["id_token"]
}

var quoted = regexp.MustCompile(`resource_metadata="([^"]+)"`)

// TestOIDCProvider is the way of an MCP client from the first refusal to an accepted call, with a certified provider.
func TestOIDCProvider(t *testing.T) {
	p := oidctest.New(t, audience)
	config := (&issuer{Server: &httptest.Server{URL: p.URL}}).config()
	config.Scopes = []string{"db:use"}
	v := verifier(t, config) // the provider is not up yet
	resource := auth.Resource{Path: "/mcp", Issuer: p.URL, Scopes: config.Scopes}
	mux := http.NewServeMux()
	mux.Handle("/mcp", access(t, v, resource).Protect(whoami))
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
		body := oidctest.Read(t, answer, err)
		return answer.StatusCode, body
	}
	expect := func(what, token string, status int, words string) {
		t.Helper()
		if got, body := call(token); got != status || !strings.Contains(body, words) {
			t.Errorf("%s: %d %s, want %d %s", what, got, body, status, words)
		}
	}
	expect("before the provider is up", "a.b.c", 503, "can't be fetched")
	p.Start(t)
	soon(t, "readiness", func() bool { return v.Ready() == nil })

	answer, err := http.Post(server.URL+"/mcp", "application/json", strings.NewReader("{}"))
	oidctest.Read(t, answer, err)
	where := quoted.FindStringSubmatch(answer.Header.Get("WWW-Authenticate"))
	if answer.StatusCode != 401 || where == nil {
		t.Fatalf("without a token: %d %v, want 401 and where to look", answer.StatusCode, answer.Header)
	}
	answer, err = http.Get(where[1])
	if body := oidctest.Read(t, answer, err); !strings.Contains(body, `"authorization_servers":["`+p.URL+`"]`) {
		t.Errorf("metadata is %s, want the provider in it", body)
	}

	access, id := signIn(t, p, "alice@example.com")
	expect("access token", access, 200, "alice@example.com")
	expect("ID token", id, 401, "audience")
	program := p.Job(t, audience)
	expect("token of a program", program, 200, "job")
	expect("token for another service", p.Job(t, "https://other.example.com"), 401, "audience")

	p.Command(t, "rotate")
	rotated := p.Job(t, audience)
	soon(t, "new key", func() bool { status, _ := call(rotated); return status == 200 })
	expect("token of the old key", access, 200, "alice@example.com")

	p.Stop()
	expect("known token during an outage", access, 200, "alice@example.com")
	expect("another token during an outage", program, 200, "job")
	p.Start(t)
	p.Command(t, "drop")
	soon(t, "removed key", func() bool { status, _ := call(access); return status == 401 })
	expect("token of the new key", rotated, 200, "job")
	expect("token made afterwards", p.Job(t, audience), 200, "job")
}
