package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcp-postgres/internal/auth"
)

const audience = "https://tools.example.com/mcp"

// key is a key of an issuer.
type key struct {
	kid, alg string
	private  crypto.Signer
	extra    map[string]any // members of the JWK
}

// jwk is the public key as the issuer publishes it.
func (k key) jwk() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	m := map[string]any{"use": "sig"}
	if k.kid != "" {
		m["kid"] = k.kid
	}
	switch p := k.private.Public().(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(p.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			panic(err)
		}
		half := (len(point) - 1) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", p.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(p)
	}
	for name, v := range k.extra {
		m[name] = v
	}
	return m
}

// with gives the key with members of its JWK changed.
func (k key) with(extra map[string]any) key {
	k.extra = extra
	return k
}

// material makes each kind of key once: RSA takes its time.
var material = sync.OnceValue(func() map[string]crypto.Signer {
	m := map[string]crypto.Signer{}
	must := func(name string, s crypto.Signer, err error) {
		if err != nil {
			panic(err)
		}
		m[name] = s
	}
	for name, bits := range map[string]int{"RSA": 2048, "RSA-other": 2048, "RSA-1024": 1024} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		must(name, k, err)
	}
	for name, c := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		must(name, k, err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	must("Ed25519", e, err)
	return m
})

func newKey(kid, alg string) key {
	kind := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}[alg]
	if kind == "" {
		kind = "RSA"
	}
	return key{kid: kid, alg: alg, private: material()[kind]}
}

// issuer is an authorization server under the test's control.
type issuer struct {
	*httptest.Server
	fetches atomic.Int64                                      // of keys
	answer  atomic.Pointer[func(http.ResponseWriter)]         // of the keys, if not the usual
	routes  map[string]func(i *issuer, w http.ResponseWriter) // instead of the usual
	mu      sync.Mutex
	keys    []any
}

func newIssuer(t testing.TB, keys ...key) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(keys...)
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(keys ...key) {
	var list []any
	for _, k := range keys {
		list = append(list, k.jwk())
	}
	i.publishRaw(list...)
}

func (i *issuer) publishRaw(list ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append([]any{}, list...)
}

func (i *issuer) answerWith(f func(http.ResponseWriter)) {
	if f == nil {
		i.answer.Store(nil)
		return
	}
	i.answer.Store(&f)
}

func down(w http.ResponseWriter) { http.Error(w, "down", http.StatusServiceUnavailable) }

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, ok := i.routes[r.URL.Path]
	switch {
	case ok:
		route(i, w)
	case i.routes == nil && r.URL.Path == "/.well-known/openid-configuration":
		i.writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	case r.URL.Path == "/keys":
		i.writeKeys(w)
	default:
		http.NotFound(w, r)
	}
}

func (i *issuer) writeKeys(w http.ResponseWriter) {
	i.fetches.Add(1)
	if f := i.answer.Load(); f != nil {
		(*f)(w)
		return
	}
	i.mu.Lock()
	keys := i.keys
	i.mu.Unlock()
	i.writeJSON(w, map[string]any{"keys": keys})
}

func (i *issuer) writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// config is for tests: the issuer is asked again soon.
func (i *issuer) config() auth.Config {
	return auth.Config{Issuer: i.URL, Audience: audience, Refresh: 20 * time.Millisecond, Retry: 20 * time.Millisecond}
}

func verifier(t testing.TB, c auth.Config) *auth.Verifier {
	t.Helper()
	v, err := auth.NewVerifier(t.Context(), c)
	if err != nil {
		t.Fatalf("NewVerifier: %v", err)
	}
	t.Cleanup(v.Close)
	return v
}

// change edits a token before it is signed; a nil value removes.
type change struct{ header, claims map[string]any }

// token signs a good token with changes.
func (i *issuer) token(t testing.TB, k key, changes ...change) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": i.URL, "aud": audience, "sub": "alice@example.com", "iat": now(0), "exp": now(time.Hour)}
	method := jwt.GetSigningMethod(k.alg)
	token := jwt.NewWithClaims(method, claims)
	if k.kid != "" {
		token.Header["kid"] = k.kid
	}
	for _, c := range changes {
		edit(token.Header, c.header)
		edit(claims, c.claims)
	}
	signed, err := token.SignedString(k.private)
	if err != nil {
		t.Fatalf("signing: %v", err)
	}
	return signed
}

func edit(m, changes map[string]any) {
	for name, v := range changes {
		if m[name] = v; v == nil {
			delete(m, name)
		}
	}
}

func now(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// reason gives the description of a refusal, empty for none.
func reason(t testing.TB, err error) string {
	t.Helper()
	var e *auth.TokenError
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("error %v is no *TokenError", err)
	}
	if e == nil {
		return ""
	}
	if e.Code == "" || strings.ContainsAny(e.Description, "\"\\\n") || e.Description == "" {
		t.Errorf("TokenError %+v: want a code, and a description that fits a header", e)
	}
	return e.Description
}

// soon tries until ok.
func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in 20 s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
