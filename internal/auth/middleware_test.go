package auth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/guard"
)

// access knows alice, with both tokens that the tests give her.
func access(t *testing.T, v *auth.Verifier, r auth.Resource) *auth.Access {
	t.Helper()
	rules, err := guard.Parse("permissions.yaml", []byte(`
roles: {reader: {schemas: [shop], tables: "*", operations: [select]}}
users: {alice@example.com: reader, alice: reader, job: reader}
`))
	if err != nil {
		t.Fatal(err)
	}
	a := &auth.Access{Verifier: v, Rules: &atomic.Pointer[guard.Rules]{}, Resource: r}
	a.Rules.Store(rules)
	return a
}

// whoami is a handler behind the gate.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%v %q", sub(r), r.Header.Get("Authorization"))
})

func sub(r *http.Request) string {
	if c, ok := guard.CallerFrom(r.Context()); ok {
		return c.Sub
	}
	return "<nil>"
}

func ask(h http.Handler, target string, header http.Header) *http.Response {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader("{}"))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bearer(values ...string) http.Header { return http.Header{"Authorization": values} }

func TestMiddleware(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	c := i.config()
	c.Scopes = []string{"db:use"}
	good := map[string]any{"scope": "db:use"}
	token := i.token(t, k, change{claims: good})
	h := access(t, verifier(t, c), auth.Resource{URL: "https://tools.example.com/mcp", Path: "/mcp", Issuer: i.URL, Scopes: c.Scopes}).Protect(whoami)
	const base = `Bearer realm="mcp-postgres", `
	const where = `resource_metadata="https://tools.example.com/.well-known/oauth-protected-resource/mcp", scope="db:use"`
	says := func(code, description string) string {
		return base + `error="` + code + `", error_description="` + description + `", ` + where
	}
	const query = "a token in the query ends up in logs: send it in the Authorization header, and replace it"
	const form = "the Authorization header is not of the form: Bearer TOKEN"
	for _, test := range []struct {
		name, target string
		header       http.Header
		status       int
		challenge    string
	}{
		{"good", "/mcp", bearer("Bearer " + token), 200, ""},
		{"scheme in lower case, more blanks", "/mcp", bearer("bearer   " + token), 200, ""},
		{"no token", "/mcp", nil, 401, base + where},
		{"other scheme", "/mcp", bearer("Basic YTpi"), 401, base + where},
		{"other scheme with the token", "/mcp", bearer("DPoP " + token), 401, base + where},
		{"token in the query", "/mcp?access_token=" + token, nil, 400, says("invalid_request", query)},
		{"token in both", "/mcp?access_token=x", bearer("Bearer " + token), 400, says("invalid_request", query)},
		{"two headers", "/mcp", bearer("Bearer "+token, "Bearer "+token), 400, says("invalid_request", "more than one Authorization header")},
		{"no token after the scheme", "/mcp", bearer("Bearer "), 400, says("invalid_request", form)},
		{"only the scheme", "/mcp", bearer("Bearer"), 400, says("invalid_request", form)},
		{"two tokens", "/mcp", bearer("Bearer " + token + ", Bearer x"), 400, says("invalid_request", form)},
		{"not a token", "/mcp", bearer(`Bearer "x"`), 400, says("invalid_request", form)},
		{"opaque", "/mcp", bearer("Bearer x"), 401, says("invalid_token", "the token is malformed: want a signed JSON Web Token")},
		{"expired", "/mcp", bearer("Bearer " + i.token(t, k, change{claims: map[string]any{"exp": now(-time.Hour)}})), 401, says("invalid_token", "the token has expired")},
		{"too few scopes", "/mcp", bearer("Bearer " + i.token(t, k)), 403, says("insufficient_scope", "the token lacks the scope db:use")},
		{"no role", "/mcp", bearer("Bearer " + i.token(t, k, change{claims: map[string]any{"scope": "db:use", "sub": "mallory"}})), 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(h, test.target, test.header)
			body, err := io.ReadAll(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != test.status || got.Header.Get("WWW-Authenticate") != test.challenge {
				t.Errorf("status %d, WWW-Authenticate %s\nwant %d, %s", got.StatusCode, got.Header.Get("WWW-Authenticate"), test.status, test.challenge)
			}
			if test.status == 200 {
				if string(body) != `alice@example.com ""` {
					t.Errorf("handler says %s, want the subject and no token", body)
				}
				return
			}
			checkBody(t, got, body)
		})
	}
}

// checkBody wants a JSON-RPC error that belongs to no request.
func checkBody(t *testing.T, answer *http.Response, body []byte) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("body %s: %v", body, err)
	}
	e, _ := m["error"].(map[string]any)
	id, hasID := m["id"]
	if m["jsonrpc"] != "2.0" || !hasID || id != nil || len(m) != 3 || e["code"] != -32000.0 || e["message"] == "" {
		t.Errorf("body is %s, want a JSON-RPC error with the id null", body)
	}
	if got := answer.Header.Get("Content-Type") + " " + answer.Header.Get("Cache-Control"); got != "application/json no-store" {
		t.Errorf("Content-Type and Cache-Control are %q, want application/json no-store", got)
	}
}

func TestMiddlewareDuringOutage(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	i.answerWith(down)
	h := access(t, verifier(t, i.config()), auth.Resource{}).Protect(whoami)
	got := ask(h, "/mcp", bearer("Bearer "+i.token(t, k)))
	if got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" || got.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("status %d, headers %v: want 503 with Retry-After and no challenge", got.StatusCode, got.Header)
	}
}

func TestMetadata(t *testing.T) {
	public := auth.Resource{URL: "https://tools.example.com/db/mcp", Path: "/mcp", Issuer: "https://login.example.com", Scopes: []string{"db:use"}, Name: "Orders"}
	local := auth.Resource{Path: "/mcp", Issuer: "https://login.example.com"}
	const bare = "/.well-known/oauth-protected-resource"
	described := `{"resource":"https://tools.example.com/db/mcp","authorization_servers":["https://login.example.com"],` +
		`"scopes_supported":["db:use"],"bearer_methods_supported":["header"],"resource_name":"Orders"}`
	slash := strings.Replace(described, "/db/mcp", "/db/mcp/", 1)
	atRoot := strings.Replace(described, "/db/mcp", "", 1)
	ending, rootURL := public, public
	ending.URL, rootURL.URL = public.URL+"/", "https://tools.example.com"
	here := func(origin string) string {
		return `{"resource":"` + origin + `/mcp","authorization_servers":["https://login.example.com"],"bearer_methods_supported":["header"]}`
	}
	for _, test := range []struct {
		name     string
		resource auth.Resource
		target   string
		want     string // empty: not found
	}{
		{"bare", public, bare, described},
		{"with the public path", public, bare + "/db/mcp", described},
		{"with the path here", public, bare + "/mcp", described},
		{"with the public path and a slash", public, bare + "/db/mcp/", slash},
		{"with the path here and a slash", public, bare + "/mcp/", slash},
		{"bare, with a slash", public, bare + "/", described},
		{"a public URL with a slash", ending, bare + "/db/mcp/", slash},
		{"a public URL with a slash, bare", ending, bare, slash},
		{"a public URL with a slash, as typed without", ending, bare + "/db/mcp", described},
		{"a public URL without a path", rootURL, bare, atRoot},
		{"a public URL without a path, with the path here", rootURL, bare + "/mcp", atRoot},
		{"with another path", public, bare + "/other", ""},
		{"with a part of the path", public, bare + "/db", ""},
		{"a path that goes on", public, bare + "x", ""},
		{"from another host", public, "http://evil.example.com" + bare, described},
		{"on this machine", local, "http://127.0.0.1:8000" + bare + "/mcp", here("http://127.0.0.1:8000")},
		{"on this machine, with a slash", local, "http://127.0.0.1:8000" + bare + "/mcp/", strings.Replace(here("http://127.0.0.1:8000"), "/mcp", "/mcp/", 1)},
		{"on this machine by name", local, "http://localhost:8000" + bare, here("http://localhost:8000")},
		{"on this machine, IPv6", local, "http://[::1]:8000" + bare, here("http://[::1]:8000")},
		{"on this machine, TLS", local, "https://localhost" + bare, here("https://localhost")},
		{"under a name from the outside", local, "http://evil.example.com" + bare, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			auth.MetadataHandler(test.resource).ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.target, nil))
			if test.want == "" && w.Code != 404 || test.want != "" && w.Code != 200 {
				t.Errorf("status %d, want the description: %t", w.Code, test.want != "")
			}
			if diff := cmp.Diff(test.want, w.Body.String()); test.want != "" && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if refused := w.Body.String(); test.want == "" && !strings.HasPrefix(refused, `{"error":{"code":-32000,"message":"`) {
				t.Errorf("no description = %s, want the error as JSON", refused)
			}
		})
	}
	for method, want := range map[string]int{"HEAD": 200, "OPTIONS": 204, "POST": 405} {
		w := httptest.NewRecorder()
		auth.MetadataHandler(public).ServeHTTP(w, httptest.NewRequest(method, bare, nil))
		if w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: status %d, want %d, readable for any page", method, w.Code, want)
		}
	}
}

// TestChallengeOnThisMachine has no public URL: only a name of this machine is repeated.
func TestChallengeOnThisMachine(t *testing.T) {
	i := newIssuer(t, newKey("a", "ES256"))
	h := access(t, verifier(t, i.config()), auth.Resource{Path: "/mcp", Issuer: i.URL}).Protect(whoami)
	for target, want := range map[string]string{
		"http://localhost:8000/mcp":   `Bearer realm="mcp-postgres", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"`,
		"http://localhost:8000/mcp/":  `Bearer realm="mcp-postgres", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp/"`,
		"http://evil.example.com/mcp": `Bearer realm="mcp-postgres"`,
	} {
		if got := ask(h, target, nil).Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: WWW-Authenticate is %s, want %s", target, got, want)
		}
	}
}

func TestResourceURL(t *testing.T) {
	for _, test := range []struct {
		url   string
		local bool
		good  bool
	}{
		{"https://tools.example.com/mcp", false, true},
		{"http://localhost:8000/mcp", true, true},
		{"", true, true},
		{"", false, false},
		{"http://tools.example.com/mcp", false, false},
		{"https://tools.example.com/mcp#x", false, false},
		{"tools.example.com", true, false},
	} {
		if err := (auth.Resource{URL: test.url}).Validate(test.local); (err == nil) != test.good {
			t.Errorf("Resource{%q}.Validate(%t) = %v, want good: %t", test.url, test.local, err, test.good)
		}
	}
}
