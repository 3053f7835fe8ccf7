package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxToken bounds a token, in bytes.
const maxToken = 8 << 10

// Token is a verified access token.
type Token struct {
	Sub    string
	Claims json.RawMessage // all claims, compact; shared, not to be changed
	Expiry time.Time       // exp; the leeway comes on top
	Scopes []string        // of scope or scp
}

// Verifier verifies access tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
	parser *jwt.Parser
	keys   *keys
	stop   context.CancelFunc
	ended  chan struct{}
}

// NewVerifier starts to fetch the issuer's keys, and waits a moment for them. An issuer that does not answer is no
// error: see Ready. Fetching ends with ctx or Close.
func NewVerifier(ctx context.Context, c Config) (*Verifier, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	run, stop := context.WithCancel(ctx)
	v := &Verifier{config: c, keys: newKeys(c), stop: stop, ended: make(chan struct{}),
		parser: jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithIssuer(c.Issuer), jwt.WithAudience(c.Audience),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(c.Leeway), jwt.WithJSONNumber(),
			jwt.WithStrictDecoding())}
	first, _ := v.keys.current()
	go func() {
		defer close(v.ended)
		v.keys.run(run)
	}()
	wait(ctx, first)
	return v, nil
}

// Close ends the fetching of keys.
func (v *Verifier) Close() {
	v.stop()
	<-v.ended
}

// Ready is nil when tokens can be verified, and else says why not.
func (v *Verifier) Ready() error { return v.keys.ready() }

// Verify says who a token speaks for. The error is a *TokenError. A token is verified once and then remembered until it
// expires or the issuer's keys change.
func (v *Verifier) Verify(ctx context.Context, token string) (Token, error) {
	if len(token) > maxToken {
		return Token{}, invalid(fmt.Sprintf("the token is longer than %d bytes", maxToken))
	}
	set := v.keys.set.Load()
	if set == nil {
		return Token{}, temporary("the keys of the token's issuer can't be fetched yet")
	}
	id, err := v.verify(set, token)
	if errors.Is(err, errUnknownKey) {
		if newer := v.keys.newer(ctx, set); newer != set {
			id, err = v.verify(newer, token)
		}
	}
	if errors.Is(err, errUnknownKey) {
		if _, failure := v.keys.current(); failure != nil {
			return Token{}, temporary("the key of the token is not known, and its issuer can't be asked")
		}
	}
	if err != nil {
		return Token{}, refusal(err)
	}
	return id, nil
}

// until is when a token stops to be accepted: at its expiry, with the leeway.
func (v *Verifier) until(id Token) time.Time { return id.Expiry.Add(v.config.Leeway) }

func (v *Verifier) verify(set *keySet, token string) (Token, error) {
	digest := sha256.Sum256([]byte(token))
	if id, ok := set.tokens.Get(digest); ok && time.Now().Before(v.until(id)) {
		return id, nil
	}
	claims := jwt.MapClaims{}
	t, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if err := checkHeader(t.Header); err != nil {
			return nil, err
		}
		return set.key(t)
	})
	if err != nil {
		return Token{}, unaccepted(t, err)
	}
	id, err := tokenOf(claims)
	if err == nil {
		err = checkScopes(id.Scopes, v.config.Scopes)
	}
	if err == nil {
		set.tokens.Add(digest, id)
	}
	return id, err
}
