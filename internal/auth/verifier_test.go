package auth_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/auth"
)

func TestAlgorithms(t *testing.T) {
	for alg, want := range map[string]bool{
		"RS256": true, "RS384": true, "RS512": true, "PS256": true, "ES256": true, "ES384": true, "ES512": true, "EdDSA": true,
		"PS384": false, "PS512": false,
	} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			k := newKey("a", alg)
			i := newIssuer(t, k)
			_, err := verifier(t, i.config()).Verify(t.Context(), i.token(t, k))
			if got := reason(t, err); (got == "") != want {
				t.Errorf("Verify(%s token) = %q, want accepted: %t", alg, got, want)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	expiry := now(time.Hour)
	token := i.token(t, k, change{claims: map[string]any{"exp": expiry, "iat": nil, "aud": []string{"other", audience}, "scope": "read write",
		"scp": []string{"more"}, "n": int64(9007199254740993), "realm_access": map[string]any{"roles": []string{"data-eng"}}}})
	v := verifier(t, i.config())
	for range 2 { // the second is remembered
		got, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatalf("Verify: %v", err)
		}
		want := auth.Token{Sub: "alice@example.com", Expiry: time.Unix(expiry, 0), Scopes: []string{"read", "write", "more"},
			Claims: got.Claims}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Verify (-want +got):\n%s", diff)
		}
		for _, part := range []string{`"n":9007199254740993`, `"realm_access":{"roles":["data-eng"]}`, `"sub":"alice@example.com"`} {
			if !strings.Contains(string(got.Claims), part) {
				t.Errorf("claims are %s, want %s in them", got.Claims, part)
			}
		}
	}
}

// TestTokens has a row for each rule about a token, of one good key.
func TestTokens(t *testing.T) {
	claim := func(name string, v any) change { return change{claims: map[string]any{name: v}} }
	header := func(name string, v any) change { return change{header: map[string]any{name: v}} }
	const lacks, future, past, audienceFault = "lacks a claim", "not valid yet", "has expired", "another audience"
	for _, test := range []struct {
		name   string
		change change
		want   string // empty: accepted
	}{
		{"plain", change{}, ""},

		{"audience in a list", claim("aud", []string{"x", audience}), ""},
		{"other audience", claim("aud", "https://other.example.com"), audienceFault},
		{"other audiences", claim("aud", []string{"x", "y"}), audienceFault},
		{"audience with a slash more", claim("aud", audience+"/"), audienceFault},
		{"no audience", claim("aud", nil), lacks},
		{"empty audience", claim("aud", ""), lacks},
		{"empty audiences", claim("aud", []string{}), lacks},
		{"audience of a wrong type", claim("aud", 7), lacks},

		{"other issuer", claim("iss", "https://evil.example.com"), "another issuer"},
		{"no issuer", claim("iss", nil), lacks},
		{"issuers in a list", claim("iss", []string{"x"}), "not valid"},

		{"expired within the leeway", claim("exp", now(-30*time.Second)), ""},
		{"expired", claim("exp", now(-2*time.Minute)), past},
		{"no expiry", claim("exp", nil), lacks},
		{"expiry zero", claim("exp", 0), past},
		{"expiry as text", claim("exp", "4102444800"), "not valid"},
		{"expiry beyond numbers", claim("exp", 1e300), past},
		{"expiry below numbers", claim("exp", -1e300), past},

		{"valid from within the leeway", claim("nbf", now(30*time.Second)), ""},
		{"not valid yet", claim("nbf", now(5*time.Minute)), future},
		{"issued within the leeway", claim("iat", now(30*time.Second)), ""},
		{"issued in the future", claim("iat", now(5*time.Minute)), "in the future"},

		{"no subject", claim("sub", nil), "no usable subject"},
		{"empty subject", claim("sub", ""), "no usable subject"},
		{"subject is a number", claim("sub", 12), "no usable subject"},
		{"subject with NUL", claim("sub", "a\x00b"), "no usable subject"},
		{"subject with a line end", claim("sub", "a\nb"), "no usable subject"},
		{"subject of 255", claim("sub", strings.Repeat("a", 255)), ""},
		{"subject of 256", claim("sub", strings.Repeat("a", 256)), "no usable subject"},
		{"subject by another name", change{claims: map[string]any{"sub": nil, "Sub": "root", "SUB": "root"}}, "no usable subject"},
		{"a second subject by another name", claim("Sub", "root"), ""},

		{"type at+jwt", header("typ", "at+jwt"), ""},
		{"type in full", header("typ", "application/AT+JWT"), ""},
		{"no type", header("typ", nil), ""},
		{"type of a logout token", header("typ", "logout+jwt"), "type (typ)"},
		{"type of a proof", header("typ", "dpop+jwt"), "type (typ)"},
		{"type is a number", header("typ", 1), "type (typ)"},
		{"critical extension", header("crit", []string{"b64"}), "critical"},
		{"empty critical extensions", header("crit", []string{}), "critical"},
		{"key by address", header("jku", "https://evil.example.com/keys"), ""}, // is not looked at: kid counts
		{"kid is a number", header("kid", 5), "algorithm of the token is not the one of its key"},

		{"ID token by at_hash", claim("at_hash", "x"), "not an access token"},
		{"ID token by c_hash", claim("c_hash", "x"), "not an access token"},
		{"Keycloak access token", claim("typ", "Bearer"), ""},
		{"Keycloak ID token", claim("typ", "ID"), "not an access token"},
		{"Keycloak refresh token", claim("typ", "Refresh"), "not an access token"},
		{"Cognito access token", claim("token_use", "access"), ""},
		{"Cognito ID token", claim("token_use", "id"), "not an access token"},
		{"security event", claim("events", map[string]any{"x": 1}), "not an access token"},
		{"bound to a key", claim("cnf", map[string]any{"jkt": "x"}), "bound to a key"},

		{"8 KiB at most", claim("pad", strings.Repeat("a", 7000)), "longer than 8192 bytes"},
		{"nearly 8 KiB", claim("pad", strings.Repeat("a", 5000)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := newKey("a", "ES256")
			i := newIssuer(t, k)
			_, err := verifier(t, i.config()).Verify(t.Context(), i.token(t, k, test.change))
			check(t, reason(t, err), test.want)
		})
	}
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("Verify = %q, want %q (empty: accepted)", got, want)
	}
}

// TestForgeries has tokens that nobody with a right to it has signed.
func TestForgeries(t *testing.T) {
	k := newKey("a", "RS256")
	i := newIssuer(t, k)
	good := i.token(t, k)
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	public := k.private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	hmac := func(secret []byte) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": i.URL, "aud": audience, "sub": "root", "exp": now(time.Hour)})
		token.Header["kid"] = "a"
		signed, err := token.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	unsigned := func(alg string) string {
		return b64([]byte(`{"alg":"`+alg+`","kid":"a"}`)) + "." + parts[1] + "."
	}
	other := key{kid: "a", alg: "RS256", private: material()["RSA-other"]}
	v := verifier(t, i.config())
	for _, test := range []struct{ name, token, want string }{
		{"good", good, ""},
		{"none", unsigned("none"), "algorithm of the token is not accepted"},
		{"None", unsigned("None"), "algorithm of the token is not accepted"},
		{"empty algorithm", unsigned(""), "algorithm of the token is not accepted"},
		{"no algorithm", b64([]byte(`{"kid":"a"}`)) + "." + parts[1] + ".", "algorithm of the token is not accepted"},
		{"HMAC with the public key as PEM", hmac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "algorithm of the token is not accepted"},
		{"HMAC with the public key as DER", hmac(der), "algorithm of the token is not accepted"},
		{"HMAC with the modulus", hmac(public.N.Bytes()), "algorithm of the token is not accepted"},
		{"HMAC with nothing", hmac(nil), "algorithm of the token is not accepted"},
		{"RS256 without a signature", unsigned("RS256"), "signature"},
		{"other key with that kid", i.token(t, other), "signature"},
		{"key in the header", i.token(t, other, change{header: map[string]any{"jwk": other.jwk()}}), "signature"},
		{"signature of another token", parts[0] + "." + strings.Split(i.token(t, k, change{claims: map[string]any{"sub": "root"}}), ".")[1] + "." + parts[2], "signature"},
		{"other header", b64([]byte(`{"alg":"RS384","kid":"a"}`)) + "." + parts[1] + "." + parts[2], "signature"},
		{"other family", b64([]byte(`{"alg":"ES256","kid":"a"}`)) + "." + parts[1] + "." + parts[2], "not the one of its key"},
		{"header twice", b64([]byte(`{"alg":"none","alg":"HS256","kid":"a"}`)) + "." + parts[1] + "." + parts[2], "algorithm of the token is not accepted"},
		{"half a signature", parts[0] + "." + parts[1] + "." + parts[2][:128], "signature"},
		{"padding", good + "==", "malformed"},
		{"another spelling of the signature", good[:len(good)-1] + string(good[len(good)-1]+1), "malformed"},
		{"blank", good + " ", "malformed"},
		{"four parts", good + ".x", "malformed"},
		{"five parts, as if encrypted", "a.b.c.d.e", "malformed"},
		{"nothing", "", "malformed"},
		{"dots", "..", "malformed"},
		{"opaque", "2YotnFZFEjr1zCsicMWpAA", "malformed"},
		{"Bearer twice", "Bearer " + good, "malformed"},
		{"null claims", parts[0] + "." + b64([]byte("null")) + "." + parts[2], "signature"},
		{"unknown kid", i.token(t, k, change{header: map[string]any{"kid": "zz"}}), "not among the issuer's"},
		{"kid as a path", i.token(t, k, change{header: map[string]any{"kid": "../../dev/null"}}), "not among the issuer's"},
		{"empty kid", i.token(t, k, change{header: map[string]any{"kid": ""}}), "not among the issuer's"},
	} {
		_, err := v.Verify(t.Context(), test.token)
		t.Run(test.name, func(t *testing.T) { check(t, reason(t, err), test.want) })
	}
}

// TestKeys has a row for each rule about the keys of the issuer.
func TestKeys(t *testing.T) {
	rs, es := newKey("a", "RS256"), newKey("a", "ES256")
	member := func(name string, v any) map[string]any { return map[string]any{name: v} }
	small := key{kid: "a", alg: "RS256", private: material()["RSA-1024"]}
	named := func(k key, kid string) key { k.kid = kid; return k }
	with := func(k key, alg string) key { k.alg = alg; return k }
	const unknown, wrong = "not among the issuer's", "not the one of its key"
	for _, test := range []struct {
		name string
		sign key
		set  []key
		want string
	}{
		{"for signatures", rs, []key{rs.with(member("use", "sig"))}, ""},
		{"for nothing in particular", rs, []key{rs.with(member("use", ""))}, ""},
		{"for encryption", rs, []key{rs.with(member("use", "enc"))}, unknown},
		{"for an unknown use", rs, []key{rs.with(member("use", "party"))}, unknown},
		{"to verify", rs, []key{rs.with(member("key_ops", []string{"verify"}))}, ""},
		{"to encrypt", rs, []key{rs.with(member("key_ops", []string{"encrypt", "wrapKey"}))}, unknown},
		{"its algorithm", rs, []key{rs.with(member("alg", "RS256"))}, ""},
		{"another algorithm", with(rs, "RS512"), []key{rs.with(member("alg", "RS256"))}, wrong},
		{"PS256 of an RS256 key", with(rs, "PS256"), []key{rs.with(member("alg", "RS256"))}, wrong},
		{"HS256 on an RSA key", rs, []key{rs.with(member("alg", "HS256"))}, unknown},
		{"RSA of 1024 bits", small, []key{small}, unknown},
		{"a broken key beside it", rs, []key{es.with(map[string]any{"x": "AAAA", "kid": "b"}), rs}, ""},
		{"a key of an unknown kind beside it", rs, []key{es.with(map[string]any{"kty": "ML-DSA", "kid": "b"}), rs}, ""},
		{"a shared secret beside it", rs, []key{es.with(map[string]any{"kty": "oct", "k": "c2VjcmV0", "kid": "b", "alg": "HS256"}), rs}, ""},
		{"a key with a certificate address", rs, []key{rs.with(member("x5u", "http://127.0.0.1:1/x"))}, ""},
		{"curves are not mixed", es, []key{named(newKey("", "ES384"), "a")}, wrong},
		{"families are not mixed", es, []key{rs}, wrong},

		{"no kid, one key", named(rs, ""), []key{rs}, ""},
		{"no kid anywhere", named(rs, ""), []key{named(rs, "")}, ""},
		{"no kid, one key of the kind", named(rs, ""), []key{named(es, "b"), rs}, ""},
		{"no kid, one key with the algorithm", named(rs, ""), []key{rs.with(member("alg", "RS256")), named(rs, "b").with(member("alg", "PS256"))}, ""},
		{"no kid, two keys of the kind", named(rs, ""), []key{rs, named(rs, "b")}, unknown},
		{"no kid, only a key for encryption", named(rs, ""), []key{rs.with(member("use", "enc"))}, unknown},
		{"no keys", rs, nil, unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, test.set...)
			_, err := verifier(t, i.config()).Verify(t.Context(), i.token(t, test.sign))
			check(t, reason(t, err), test.want)
		})
	}
}

// TestSharedSecret publishes a symmetric key, as some issuers do by mistake.
func TestSharedSecret(t *testing.T) {
	i := newIssuer(t)
	i.publishRaw(map[string]any{"kty": "oct", "kid": "a", "k": base64.RawURLEncoding.EncodeToString([]byte("secret"))})
	v := verifier(t, i.config())
	for _, kid := range []any{"a", nil} {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": i.URL, "aud": audience, "sub": "root", "exp": now(time.Hour)})
		edit(token.Header, map[string]any{"kid": kid})
		signed, err := token.SignedString([]byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(t.Context(), signed)
		check(t, reason(t, err), "algorithm of the token is not accepted")
	}
	if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "no key that may verify tokens") {
		t.Errorf("Ready = %v, want that no key may verify", err)
	}
}

func TestScopes(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	c := i.config()
	c.Scopes = []string{"db:read", "db:use"}
	v := verifier(t, c)
	for _, test := range []struct {
		claims map[string]any
		want   string
	}{
		{map[string]any{"scope": "openid db:use db:read"}, ""},
		{map[string]any{"scp": []string{"db:use", "db:read"}}, ""},
		{map[string]any{"scp": "db:use db:read"}, ""},
		{map[string]any{"scope": "db:read"}, "lacks the scope db:use"},
		{map[string]any{"scope": "db:reader db:use"}, "lacks the scope db:read"},
		{nil, "lacks the scope db:read"},
	} {
		_, err := v.Verify(t.Context(), i.token(t, k, change{claims: test.claims}))
		check(t, reason(t, err), test.want)
	}
}

// TestExpiry has a token expire after it was accepted.
func TestExpiry(t *testing.T) {
	k := newKey("a", "ES256")
	i := newIssuer(t, k)
	v, token := verifier(t, i.config()), i.token(t, k, change{claims: map[string]any{"exp": now(-58 * time.Second)}})
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatalf("Check = %v, want accepted within the leeway", err)
	}
	soon(t, "expiry", func() bool {
		_, err := v.Verify(t.Context(), token)
		return strings.Contains(reason(t, err), "has expired")
	})
}

func TestConcurrent(t *testing.T) {
	old, fresh := newKey("a", "ES256"), newKey("b", "EdDSA")
	i := newIssuer(t, old)
	c := i.config()
	c.Retry = time.Millisecond
	v := verifier(t, c)
	tokens := []string{i.token(t, old), i.token(t, old, change{claims: map[string]any{"sub": "bob"}}), i.token(t, fresh), "x.y.z"}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for j := range 50 {
				if n == 0 && j == 10 {
					i.publish(old, fresh)
				}
				token := tokens[(n+j)%len(tokens)]
				if id, err := v.Verify(t.Context(), token); err == nil && id.Sub == "" || token == tokens[0] && err != nil {
					t.Errorf("Verify = %+v, %v", id, err)
				}
				_ = v.Ready()
			}
		})
	}
	group.Wait()
	if _, err := v.Verify(t.Context(), tokens[2]); err != nil {
		soon(t, "the new key", func() bool { _, err := v.Verify(t.Context(), tokens[2]); return err == nil })
	}
}

// BenchmarkVerify has a token that was seen before, and more tokens than are remembered.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		k := newKey("a", alg)
		i := newIssuer(b, k)
		v := verifier(b, auth.Config{Issuer: i.URL, Audience: audience})
		var tokens []string
		for n := range 1100 {
			tokens = append(tokens, i.token(b, k, change{claims: map[string]any{"n": n}}))
		}
		for name, list := range map[string][]string{"seen": tokens[:1], "new": tokens} {
			b.Run(alg+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if _, err := v.Verify(b.Context(), list[n%len(list)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
