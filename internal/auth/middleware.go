package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mcp-postgres/internal/guard"
)

// Access lets callers in: their tokens say who they are, the permissions what they may.
type Access struct {
	// Verifier and Rules must be set. The permissions may be replaced while requests are served.
	Verifier *Verifier
	Rules    *atomic.Pointer[guard.Rules]
	// Token is the caller's where all requests have the same: over stdio and on the command line.
	Token string
	// Resource is what is protected over HTTP. Limiter bounds what one caller asks of it once it is let in; nil does not.
	Resource Resource
	Limiter  *Limiter
	// Logger may be nil.
	Logger *slog.Logger
}

// Close ends the fetching of keys.
func (a *Access) Close() {
	if a != nil {
		a.Verifier.Close()
	}
}

// Enter puts the caller of the one token into the context. It is asked at each request, for a token expires. A nil
// Access lets everybody in: authentication is off.
func (a *Access) Enter(ctx context.Context) (context.Context, error) {
	if a == nil {
		return ctx, nil
	}
	id, err := a.Verifier.Verify(ctx, a.Token)
	if err != nil {
		return nil, fmt.Errorf("MCP_AUTH_TOKEN: %w", err)
	}
	return a.admit(ctx, id)
}

// CheckToken refuses a token that is no good. One that can't be checked now may be good later.
func (a *Access) CheckToken(ctx context.Context) error {
	_, err := a.Enter(ctx)
	var refused *TokenError
	if errors.As(err, &refused) && refused.Temporary {
		a.log().WarnContext(ctx, "the token can't be verified yet: calls are refused until it can", "error", err)
		return nil
	}
	return err
}

// admit puts the caller of a verified token into the context. An error refuses the caller, with its text.
func (a *Access) admit(ctx context.Context, id Token) (context.Context, error) {
	caller, err := a.Rules.Load().Caller(id.Sub, id.Claims)
	if err != nil {
		return nil, err
	}
	caller.Until = a.Verifier.until(id)
	return guard.WithCaller(ctx, caller), nil
}

func (a *Access) log() *slog.Logger { return cmp.Or(a.Logger, slog.New(slog.DiscardHandler)) }

// Protect lets requests through that carry a good token in the Authorization header, and answers the others as RFC 6750
// and RFC 9728 say. The handler does not see the token.
func (a *Access) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, no := a.identify(r)
		if no != nil {
			a.log().InfoContext(r.Context(), "request refused", "status", no.status, "reason", no.message, "remote",
				r.RemoteAddr)
			no.write(w, r, a.Resource)
			return
		}
		r = r.WithContext(ctx)
		r.Header = r.Header.Clone()
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})
}

func (a *Access) identify(r *http.Request) (context.Context, *denial) {
	token, no := bearer(r)
	if no != nil {
		return nil, no
	}
	id, err := a.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, deny(err, a.Verifier.config.Retry)
	}
	ctx, err := a.admit(r.Context(), id)
	if err != nil {
		return nil, &denial{status: http.StatusForbidden, message: err.Error()}
	}
	return ctx, nil
}

// bearer reads the token. RFC 6750 also knows it in the query and the body: the query ends up in logs, so a token
// there is refused, and a body is JSON here.
func bearer(r *http.Request) (string, *denial) {
	if r.URL.Query().Has("access_token") {
		return "", malformed("a token in the query ends up in logs: send it in the Authorization header, and replace it")
	}
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return "", malformed("more than one Authorization header")
	}
	if len(values) == 0 {
		return "", unauthenticated()
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", unauthenticated()
	}
	if token = strings.TrimLeft(token, " "); !tokenText(token) {
		return "", malformed("the Authorization header is not of the form: Bearer TOKEN")
	}
	return token, nil
}

// tokenText is b64token of RFC 6750, section 2.1.
func tokenText(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("-._~+/=", rune(c)) {
			return false
		}
	}
	return s != ""
}

// unauthenticated has no code: the client may not know yet that it needs a token (RFC 6750, section 3.1).
func unauthenticated() *denial {
	return &denial{status: http.StatusUnauthorized, challenge: true,
		message: "a token is needed: send it in the Authorization header, as Bearer TOKEN"}
}

func malformed(message string) *denial {
	return &denial{status: http.StatusBadRequest, challenge: true, code: codeInvalidRequest, message: message}
}

func deny(err error, retry time.Duration) *denial {
	var e *TokenError
	switch {
	case !errors.As(err, &e):
		return &denial{status: http.StatusInternalServerError, message: "internal error"}
	case e.Temporary:
		return &denial{status: http.StatusServiceUnavailable, message: e.Description, retry: retry}
	case e.Code == codeInsufficientScope:
		return &denial{status: http.StatusForbidden, challenge: true, code: e.Code, message: e.Description}
	}
	return &denial{status: http.StatusUnauthorized, challenge: true, code: e.Code, message: e.Description}
}

// denial is an answer instead of the handler's.
type denial struct {
	status    int
	challenge bool   // say how to get in (WWW-Authenticate)
	code      string // of RFC 6750; may be empty
	message   string // with a challenge: printable ASCII without quotes
	retry     time.Duration
}

func (d *denial) write(w http.ResponseWriter, r *http.Request, res Resource) {
	h := w.Header()
	if d.challenge {
		h.Set("WWW-Authenticate", d.wwwAuthenticate(r, res))
	}
	if d.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.retry.Seconds()))))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(d.status)
	// It belongs to no request, for the message has not been read. An error: the client has gone.
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": nil,
		"error": map[string]any{"code": -32000, "message": d.message}})
}

// wwwAuthenticate is RFC 6750, section 3, with resource_metadata of RFC 9728, section 5.1.
func (d *denial) wwwAuthenticate(r *http.Request, res Resource) string {
	parts := []string{`Bearer realm="mcp-postgres"`}
	if d.code != "" {
		parts = append(parts, `error="`+d.code+`"`, `error_description="`+d.message+`"`)
	}
	if u, ok := res.at(r); ok {
		parts = append(parts, `resource_metadata="`+metadataURL(u)+`"`)
	}
	if len(res.Scopes) > 0 {
		parts = append(parts, `scope="`+strings.Join(res.Scopes, " ")+`"`)
	}
	return strings.Join(parts, ", ")
}
