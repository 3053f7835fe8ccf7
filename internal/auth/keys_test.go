package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mcp-postgres/internal/auth"
)

// accepted reports whether v takes the token.
func accepted(t *testing.T, v *auth.Verifier, token string) bool {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	return reason(t, err) == ""
}

// calm asks the issuer again only for an unknown key.
func (i *issuer) calm() auth.Config {
	return auth.Config{Issuer: i.URL, Audience: audience, Refresh: time.Hour, Retry: time.Hour}
}

func TestRotation(t *testing.T) {
	old, fresh := newKey("a", "RS256"), newKey("b", "ES256")
	i := newIssuer(t, old)
	v := verifier(t, i.calm())
	first, second := i.token(t, old), i.token(t, fresh)
	if !accepted(t, v, first) {
		t.Fatal("the first key is not accepted")
	}
	i.publish(old, fresh)
	if !accepted(t, v, second) {
		t.Error("a new key is not picked up at its first use")
	}
	if !accepted(t, v, first) {
		t.Error("the old key is refused while it is published")
	}
}

func TestRemoval(t *testing.T) {
	old, fresh := newKey("a", "RS256"), newKey("b", "ES256")
	i := newIssuer(t, old, fresh)
	v := verifier(t, i.config())
	token, other := i.token(t, old), i.token(t, fresh)
	if _, err := v.Verify(t.Context(), token); err != nil || !accepted(t, v, other) {
		t.Fatalf("Check = %v, want both keys accepted", err)
	}
	i.publish(fresh)
	soon(t, "the removed key refused", func() bool { _, err := v.Verify(t.Context(), token); return err != nil })
	if !accepted(t, v, other) {
		t.Error("the key that stayed is refused")
	}
	i.publish()
	soon(t, "all keys refused", func() bool { return !accepted(t, v, other) })
}

// TestOutage has the issuer give bad answers after a good one: the last good keys stay.
func TestOutage(t *testing.T) {
	huge := strings.Repeat("x", 2<<20)
	manyKeys := `{"keys":[` + strings.Repeat(`{},`, 300) + `{}]}`
	for name, answer := range map[string]func(http.ResponseWriter){
		"unavailable":   down,
		"not found":     func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"a page":        func(w http.ResponseWriter) { fmt.Fprint(w, "<html>sign in</html>") },
		"no keys":       func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) },
		"null keys":     func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":null}`) },
		"keys as text":  func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":"x"}`) },
		"cut off":       func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); fmt.Fprint(w, `{"keys":[`) },
		"huge":          func(w http.ResponseWriter) { fmt.Fprintf(w, `{"keys":[],"pad":"%s"}`, huge) },
		"too many keys": func(w http.ResponseWriter) { fmt.Fprint(w, manyKeys) },
		"elsewhere": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://example.invalid/keys")
			w.WriteHeader(http.StatusFound)
		},
		"round and round": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/keys")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, fresh := newKey("a", "ES256"), newKey("b", "EdDSA")
			i := newIssuer(t, k)
			failed := make(chan struct{}, 1000)
			c := i.config()
			c.OnFetch = func(err error) {
				if err != nil {
					failed <- struct{}{}
				}
			}
			v := verifier(t, c)
			first, second := i.token(t, k), i.token(t, k, change{claims: map[string]any{"sub": "bob"}})
			if !accepted(t, v, first) {
				t.Fatal("not accepted before the outage")
			}
			i.answerWith(answer)
			<-failed
			<-failed
			if !accepted(t, v, first) || !accepted(t, v, second) || v.Ready() != nil {
				t.Errorf("the last good keys are not kept; Ready = %v", v.Ready())
			}
			_, err := v.Verify(t.Context(), i.token(t, fresh))
			if e, ok := err.(*auth.TokenError); !ok || !e.Temporary {
				t.Errorf("Verify(unknown key) = %#v, want a temporary error", err)
			}
			i.publish(k, fresh)
			i.answerWith(nil)
			soon(t, "recovery", func() bool { return accepted(t, v, i.token(t, fresh)) })
		})
	}
}

func TestOutageAtStart(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	i.answerWith(down)
	v := verifier(t, i.config())
	token := i.token(t, k)
	_, err := v.Verify(t.Context(), token)
	if e, ok := err.(*auth.TokenError); !ok || !e.Temporary {
		t.Errorf("Check = %#v, want a temporary error", err)
	}
	if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("Ready = %v, want the reason, 503", err)
	}
	i.answerWith(nil)
	soon(t, "recovery", func() bool { _, err := v.Verify(t.Context(), token); return err == nil && v.Ready() == nil })
}

// TestSlowIssuer has an issuer that does not answer: callers with known keys don't wait, the others not for ever.
func TestSlowIssuer(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	v := verifier(t, i.calm())
	i.answerWith(func(w http.ResponseWriter) { <-hang; down(w) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	unknown := i.token(t, newKey("b", "EdDSA"))
	if _, err := v.Verify(ctx, unknown); reason(t, err) == "" || ctx.Err() == nil {
		t.Errorf("Verify(unknown key) = %v, want a refusal when the caller's time is over", err)
	}
	if !accepted(t, v, i.token(t, k)) {
		t.Error("a known key is refused while the issuer is asked")
	}
}

// TestUnknownKeyFlood invents keys: the issuer is asked once.
func TestUnknownKeyFlood(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	v := verifier(t, i.calm())
	before := i.fetches.Load()
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			for m := range 20 {
				kid := fmt.Sprintf("invented-%d-%d", n, m)
				if accepted(t, v, i.token(t, k, change{header: map[string]any{"kid": kid}})) {
					t.Errorf("accepted a token with the key %s", kid)
				}
			}
		})
	}
	group.Wait()
	if got := i.fetches.Load() - before; got != 1 {
		t.Errorf("400 tokens with invented keys made %d fetches, want 1", got)
	}
}

func TestDiscovery(t *testing.T) {
	keys := func(i *issuer, w http.ResponseWriter) { i.writeKeys(w) }
	describes := func(name, path string) func(*issuer, http.ResponseWriter) {
		return func(i *issuer, w http.ResponseWriter) {
			i.writeJSON(w, map[string]any{"issuer": i.URL + name, "jwks_uri": i.URL + path})
		}
	}
	text := func(s string) func(*issuer, http.ResponseWriter) {
		return func(_ *issuer, w http.ResponseWriter) { fmt.Fprint(w, s) }
	}
	type routes = map[string]func(*issuer, http.ResponseWriter)
	const openid, oauth = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
	for _, test := range []struct {
		name, issuer string
		routes       routes
		want         string // of Ready; empty: the keys are found
	}{
		{"OpenID", "", routes{openid: describes("", "/k"), "/k": keys}, ""},
		{"OpenID, issuer with a slash at the end", "/", routes{openid: describes("/", "/k"), "/k": keys}, ""},
		{"OpenID, issuer with a path", "/realms/a", routes{"/realms/a" + openid: describes("/realms/a", "/k"), "/k": keys}, ""},
		{"RFC 8414", "", routes{oauth: describes("", "/k"), "/k": keys}, ""},
		{"RFC 8414, issuer with a path", "/realms/a", routes{oauth + "/realms/a": describes("/realms/a", "/k"), "/k": keys}, ""},
		{"RFC 8414, put after the path", "/realms/a", routes{"/realms/a" + oauth: describes("/realms/a", "/k"), "/k": keys}, ""},
		{"the usual place", "", routes{"/.well-known/jwks.json": keys}, ""},
		{"the usual place, issuer with a path", "/a", routes{"/a/.well-known/jwks.json": keys}, ""},
		{"a page for everything but the usual place", "", routes{openid: text("<html>"), oauth: text("<html>"), "/.well-known/jwks.json": keys}, ""},
		{"nothing", "", routes{}, "404"},
		{"another issuer", "", routes{openid: describes("/evil", "/k"), "/k": keys, "/.well-known/jwks.json": keys}, "calls itself"},
		{"a slash too few", "", routes{openid: describes("/", "/k"), "/k": keys}, "calls itself"},
		{"no issuer", "", routes{openid: text(`{"jwks_uri":"/k"}`), "/.well-known/jwks.json": keys}, "calls itself"},
		{"no address of keys", "", routes{openid: describes("", "")}, "404"},
		{"keys without https", "", routes{openid: func(i *issuer, w http.ResponseWriter) {
			i.writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": "http://keys.example.com/k"})
		}}, "want https"},
		{"keys in a file", "", routes{openid: func(i *issuer, w http.ResponseWriter) {
			i.writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": "file:///etc/passwd"})
		}}, "want a URL with a host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, newKey("a", "ES256"))
			i.routes = test.routes
			err := verifier(t, auth.Config{Issuer: i.URL + test.issuer, Audience: audience}).Ready()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("Ready = %v, want %q in it (empty: ready)", err, test.want)
			}
		})
	}
}

// TestKeysByAddress has no discovery.
func TestKeysByAddress(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	i.routes = map[string]func(*issuer, http.ResponseWriter){"/own": func(i *issuer, w http.ResponseWriter) { i.writeKeys(w) }}
	c := i.config()
	c.JWKSURL = i.URL + "/own?tenant=1"
	if !accepted(t, verifier(t, c), i.token(t, k)) {
		t.Error("the token is refused")
	}
}

// TestRedirectAwayFromHTTPS has an issuer on https send the server to http.
func TestRedirectAwayFromHTTPS(t *testing.T) {
	plain := newIssuer(t, newKey("a", "ES256"))
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/keys", http.StatusFound))
	t.Cleanup(secure.Close)
	v := verifier(t, auth.Config{Issuer: secure.URL, Audience: audience, JWKSURL: secure.URL, HTTPClient: secure.Client()})
	if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "away from https") {
		t.Errorf("Ready = %v, want the redirect refused", err)
	}
	if n := plain.fetches.Load(); n != 0 {
		t.Errorf("the other address was asked %d times, want never", n)
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		config auth.Config
		want   []string // empty: good
	}{
		{"good", auth.Config{Issuer: "https://login.example.com/", Audience: "x"}, nil},
		{"this machine", auth.Config{Issuer: "http://127.0.0.1:9000/realms/a", Audience: "x", JWKSURL: "http://localhost/k?x=1", Scopes: []string{"db:read"}}, nil},
		{"nothing", auth.Config{}, []string{"MCP_AUTH_ISSUER is not set", "MCP_AUTH_AUDIENCE is not set"}},
		{"no audience", auth.Config{Issuer: "https://login.example.com"}, []string{"MCP_AUTH_AUDIENCE is not set"}},
		{"http", auth.Config{Issuer: "http://login.example.com", Audience: "x"}, []string{"want https"}},
		{"a name that looks local", auth.Config{Issuer: "http://localhost.example.com", Audience: "x"}, []string{"want https"}},
		{"no URL", auth.Config{Issuer: "login.example.com", Audience: "x"}, []string{"want a URL with a host"}},
		{"password", auth.Config{Issuer: "https://a:b@login.example.com", Audience: "x"}, []string{"no user name"}},
		{"query", auth.Config{Issuer: "https://login.example.com?x=1", Audience: "x"}, []string{"no query"}},
		{"keys over http", auth.Config{Issuer: "https://login.example.com", Audience: "x", JWKSURL: "http://login.example.com/k"}, []string{"MCP_AUTH_JWKS_URL"}},
		{"scope with a quote", auth.Config{Issuer: "https://login.example.com", Audience: "x", Scopes: []string{`a"b`}}, []string{"--auth-scopes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.config.Validate()
			if len(test.want) == 0 && err != nil || len(test.want) > 0 && err == nil {
				t.Fatalf("Validate = %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Validate = %v, want %q in it", err, want)
				}
			}
		})
	}
}
