package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
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
