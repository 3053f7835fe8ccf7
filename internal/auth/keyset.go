package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	maxKeys             = 256
	minRSA, maxRSA      = 2048, 8192 // bits of an RSA key
	maxRememberedTokens = 1024
)

// algorithms are what a token may be signed with: no "none", nothing with a shared secret.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"}

// keySet is the keys of the issuer as of one fetch. It does not change; the tokens that it verified go with it, so a
// key that the issuer removes takes its tokens along.
type keySet struct {
	named  keyfunc.Keyfunc // finds a key by kid, and compares its alg
	keys   []jwkset.JWK
	tokens *lru.Cache[[sha256.Size]byte, Token]
	digest [sha256.Size]byte
}

// parseKeySet keeps the keys that may verify tokens. The others, and keys of kinds that are not known, are left out.
func parseKeySet(body []byte) (*keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &document); err != nil || document.Keys == nil {
		return nil, errors.New("reading the key set: want a JSON object with the array keys")
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("reading the key set: it has %d keys, more than the maximum %d", len(document.Keys), maxKeys)
	}
	s := &keySet{digest: sha256.Sum256(body)}
	for _, raw := range document.Keys {
		if k, ok := parseKey(raw); ok {
			s.keys = append(s.keys, k)
		}
	}
	store := jwkset.NewMemoryStorage()
	err := store.KeyReplaceAll(context.Background(), s.keys)
	if err == nil {
		s.named, err = keyfunc.New(keyfunc.Options{Storage: store})
	}
	if err == nil {
		s.tokens, err = lru.New[[sha256.Size]byte, Token](maxRememberedTokens)
	}
	return s, err
}

func parseKey(raw json.RawMessage) (jwkset.JWK, bool) {
	var m jwkset.JWKMarshal
	if json.Unmarshal(raw, &m) != nil {
		return jwkset.JWK{}, false
	}
	signs := (m.USE == "" || m.USE == jwkset.UseSig) &&
		(len(m.KEYOPS) == 0 || slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify))
	if !signs || m.ALG != "" && !slices.Contains(algorithms, m.ALG.String()) {
		return jwkset.JWK{}, false
	}
	m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", "" // the key itself counts, not its certificate
	k, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipKeyOps: true})
	if err != nil {
		return jwkset.JWK{}, false
	}
	return k, slices.ContainsFunc(algorithms, func(alg string) bool { return fits(alg, k.Key()) })
}

// fits reports whether the algorithm is one for the key. Each key is for one family of algorithms; a curve is for one.
func fits(alg string, key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return (alg[:2] == "RS" || alg[:2] == "PS") && k.N.BitLen() >= minRSA && k.N.BitLen() <= maxRSA
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[k.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

var (
	errUnknownKey = errors.New("the key of the token is not among the issuer's")
	errWrongKey   = errors.New("the algorithm of the token is not the one of its key")
)

// key finds the key of a token; a token that names none is of the only key that fits.
func (s *keySet) key(t *jwt.Token) (any, error) {
	alg := t.Method.Alg()
	if _, ok := t.Header["kid"]; !ok {
		return s.onlyKey(alg)
	}
	key, err := s.named.Keyfunc(t)
	switch {
	case errors.Is(err, jwkset.ErrKeyNotFound):
		return nil, errUnknownKey
	case err != nil || !fits(alg, key):
		return nil, errWrongKey
	}
	return key, nil
}

func (s *keySet) onlyKey(alg string) (any, error) {
	var found []any
	for _, k := range s.keys {
		if own := k.Marshal().ALG.String(); (own == "" || own == alg) && fits(alg, k.Key()) {
			found = append(found, k.Key())
		}
	}
	if len(found) != 1 {
		return nil, errUnknownKey
	}
	return found[0], nil
}
