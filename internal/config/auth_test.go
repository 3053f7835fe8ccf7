package config_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/config"
)

func TestCheckAuth(t *testing.T) {
	full := config.Auth{AuthIssuer: "https://login.example.com", AuthAudience: "x", Permissions: "permissions.yaml"}
	for _, test := range []struct {
		name  string
		auth  config.Auth
		token string
		stdio bool
		want  []string // empty: good
	}{
		{"off", config.Auth{}, "", true, nil},
		{"off, public URL", config.Auth{PublicURL: "https://tools.example.com/mcp"}, "", false, nil},
		{"HTTP", full, "", false, nil},
		{"stdio", full, "a.b.c", true, nil},
		{"stdio without a token", full, "", true, []string{"without MCP_AUTH_TOKEN"}},
		{"HTTP with a token", full, "a.b.c", false, []string{"MCP_AUTH_TOKEN is set, but over HTTP"}},
		{"only the issuer", config.Auth{AuthIssuer: "https://login.example.com"}, "", false, []string{"without MCP_AUTH_AUDIENCE", "without MCP_PERMISSIONS_FILE"}},
		{"only the audience", config.Auth{AuthAudience: "x"}, "", false, []string{"MCP_AUTH_AUDIENCE is set without MCP_AUTH_ISSUER"}},
		{"only the keys", config.Auth{AuthJWKSURL: "https://x/k"}, "", false, []string{"MCP_AUTH_JWKS_URL is set without"}},
		{"only the permissions", config.Auth{Permissions: "p.yaml"}, "", false, []string{"MCP_PERMISSIONS_FILE is set without"}},
		{"only the token", config.Auth{}, "a.b.c", true, []string{"MCP_AUTH_TOKEN is set without"}},
		{"only limits", config.Auth{CallerRate: 1, CallerConcurrent: 1}, "", false, []string{"--caller-rate is set without", "--caller-concurrent is set without"}},
		{"the limits that are there anyway", config.Auth{CallerRate: 50, CallerConcurrent: 20}, "", false, nil},
		{"only scopes", config.Auth{AuthScopes: []string{"db:use"}}, "", true, []string{"--auth-scopes is set without"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("MCP_AUTH_TOKEN", test.token)
			err := test.auth.CheckAuth(test.stdio)
			if len(test.want) == 0 && err != nil || len(test.want) > 0 && err == nil {
				t.Fatalf("CheckAuth = %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("CheckAuth = %v, want %q in it", err, want)
				}
			}
		})
	}
}
