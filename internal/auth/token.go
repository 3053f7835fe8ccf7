package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/golang-jwt/jwt/v5"
)

// The codes of RFC 6750, section 3.1.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
)

// TokenError says why a token is refused. Description is printable ASCII without quotes, and holds nothing of the
// token.
type TokenError struct {
	Code        string
	Description string
	Temporary   bool // the token may be good: its issuer can't be asked
}

// Error gives the description.
func (e *TokenError) Error() string { return e.Description }

func invalid(description string) *TokenError {
	return &TokenError{Code: codeInvalidToken, Description: description}
}

func temporary(description string) *TokenError {
	return &TokenError{Code: codeInvalidToken, Description: description, Temporary: true}
}

// maxSub is the bound of OpenID Connect.
const maxSub = 255

// checkHeader refuses tokens of other kinds, and those that ask for what this server does not do.
func checkHeader(h map[string]any) error {
	if _, ok := h["crit"]; ok {
		return invalid("the token has critical extensions (crit), and none is known here")
	}
	typ, ok := h["typ"].(string)
	if _, given := h["typ"]; given && !ok || ok && !slices.Contains([]string{"jwt", "at+jwt", "application/at+jwt"},
		strings.ToLower(typ)) {
		return invalid("the type (typ) of the token is not JWT or at+jwt: want an access token")
	}
	return nil
}

// tokenOf reads verified claims.
func tokenOf(claims jwt.MapClaims) (Token, error) {
	sub, ok := claims["sub"].(string)
	control := strings.ContainsFunc(sub, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
	if !ok || sub == "" || len(sub) > maxSub || control {
		return Token{}, invalid("the token has no usable subject (sub)")
	}
	if err := checkKind(claims); err != nil {
		return Token{}, err
	}
	expiry, err := claims.GetExpirationTime()
	if err != nil || expiry == nil {
		return Token{}, invalid("the token has no usable expiry (exp)")
	}
	compact, err := json.Marshal(claims)
	if err != nil {
		return Token{}, invalid("the claims of the token can't be read")
	}
	return Token{Sub: sub, Claims: compact, Expiry: expiry.Time, Scopes: scopes(claims)}, nil
}

// checkKind refuses what the same issuer signs with the same key for another use, where the token shows it, and tokens
// that only the holder of another key may use.
func checkKind(claims jwt.MapClaims) error {
	typ, _ := claims["typ"].(string) // Keycloak
	use, _ := claims["token_use"].(string)
	_, atHash := claims["at_hash"]
	_, cHash := claims["c_hash"]
	_, events := claims["events"]
	switch {
	case atHash || cHash || events || use == "id" || slices.Contains([]string{"ID", "Refresh", "Offline", "Logout"}, typ):
		return invalid("this is not an access token: want one, not an ID or refresh token")
	case claims["cnf"] != nil:
		return invalid("the token is bound to a key of its owner (cnf): want a bearer token")
	}
	return nil
}

// scopes reads scope (RFC 8693, section 4.2) and scp, which some issuers have instead.
func scopes(claims jwt.MapClaims) []string {
	var list []string
	for _, name := range []string{"scope", "scp"} {
		switch value := claims[name].(type) {
		case string:
			list = append(list, strings.Fields(value)...)
		case []any:
			for _, v := range value {
				if s, ok := v.(string); ok {
					list = append(list, s)
				}
			}
		}
	}
	return list
}

func checkScopes(has, wanted []string) error {
	for _, s := range wanted {
		if !slices.Contains(has, s) {
			return &TokenError{Code: codeInsufficientScope, Description: "the token lacks the scope " + s}
		}
	}
	return nil
}

var errAlgorithm = errors.New("the algorithm of the token is not accepted")

// unaccepted distinguishes a refused algorithm from a wrong signature: the library has one error for both.
func unaccepted(t *jwt.Token, err error) error {
	if t != nil && errors.Is(err, jwt.ErrTokenUnverifiable) && t.Method == nil || t != nil && t.Method != nil &&
		!slices.Contains(algorithms, t.Method.Alg()) {
		return errAlgorithm
	}
	return err
}

// reasons are texts for the caller of the library's errors; the first that applies counts.
var reasons = []struct {
	err         error
	description string
}{
	{errAlgorithm, "the algorithm of the token is not accepted: want one of " + strings.Join(algorithms, ", ")},
	{errUnknownKey, errUnknownKey.Error()},
	{errWrongKey, errWrongKey.Error()},
	{jwt.ErrTokenMalformed, "the token is malformed: want a signed JSON Web Token"},
	{jwt.ErrTokenSignatureInvalid, "the signature of the token is wrong"},
	{jwt.ErrTokenInvalidIssuer, "the token is of another issuer (iss)"},
	{jwt.ErrTokenInvalidAudience, "the token is for another audience (aud)"},
	{jwt.ErrTokenExpired, "the token has expired"},
	{jwt.ErrTokenNotValidYet, "the token is not valid yet (nbf)"},
	{jwt.ErrTokenUsedBeforeIssued, "the token is issued in the future (iat)"},
	{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim: want iss, aud, exp and sub"},
}

func refusal(err error) *TokenError {
	var own *TokenError
	if errors.As(err, &own) {
		return own
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return invalid(r.description)
		}
	}
	return invalid("the token is not valid")
}
