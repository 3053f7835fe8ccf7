package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/serve"
	"mcp-postgres/registry"
)

// access knows who may call what. The zero value is authentication turned off.
type access struct {
	rules    atomic.Pointer[guard.Rules]
	text     []byte // of the file that was last read, good or not
	verifier *auth.Verifier
	token    *auth.Fixed // the caller's over stdio and on the command line
	log      *slog.Logger
	warned   map[string]string // by role: the tools that the log has named as not existing

	mu     sync.Mutex
	logins map[string]*postgres.DB // by the environment variable that a role names
}

// openAccess reads the permissions and starts to fetch the issuer's keys. onFetch is told how each fetch ended.
func openAccess(ctx context.Context, c *config.Config, log *slog.Logger, onFetch func(error)) (*access, error) {
	if err := c.CheckAuth(c.Transport == "stdio"); err != nil {
		return nil, err
	}
	a := &access{log: log, logins: map[string]*postgres.DB{}}
	if c.AuthIssuer == "" {
		return a, nil
	}
	rules, text, err := checkedRules(c.Permissions)
	if err != nil {
		return nil, err
	}
	a.text = text
	a.rules.Store(rules)
	a.verifier, err = auth.NewVerifier(ctx, auth.Config{
		Issuer: c.AuthIssuer, Audience: c.AuthAudience, JWKSURL: c.AuthJWKSURL, Scopes: c.AuthScopes, Logger: log, OnFetch: onFetch,
	})
	if err != nil {
		return nil, err
	}
	if c.Transport == "stdio" {
		a.token = a.verifier.Fixed(c.AuthToken())
	}
	return a, nil
}

// databases opens the databases of the roles that have a login of their own, by the environment variable that names it. Their
// connections are made when they are wanted. What is open stays open: calls may be using it.
func (a *access) databases(ctx context.Context, c *config.Config, rules *guard.Rules) (map[string]registry.Database, error) {
	if rules == nil {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]registry.Database{}
	for name, db := range a.logins {
		all[name] = db
	}
	for _, role := range rules.Roles {
		if role.Connection == "" || a.logins[role.Connection] != nil {
			continue
		}
		db, err := postgres.Open(ctx, postgres.Config{URL: os.Getenv(role.Connection), MinConns: -1, MaxConns: c.PoolMax,
			IdleTime: cmp.Or(c.PoolIdle, -1), Timeout: c.Timeout(), Logger: a.log})
		if err != nil {
			return nil, fmt.Errorf("%s, the connection of role %s: %w", role.Connection, role.Name, err)
		}
		all[role.Connection], a.logins[role.Connection] = db, db
	}
	return all, nil
}

func (a *access) close() {
	for _, db := range a.logins {
		db.Close()
	}
	if a.verifier != nil {
		a.verifier.Close()
	}
}

// admit puts the caller of a verified token into the context.
func (a *access) admit(ctx context.Context, id auth.Identity) (context.Context, error) {
	caller, err := a.rules.Load().Caller(id.Sub, id.Claims)
	if err != nil {
		return nil, err
	}
	caller.Until = a.verifier.Until(id)
	return guard.WithCaller(ctx, caller), nil
}

// enter is admit for the one token of a process. It is asked at each call, for a token expires.
func (a *access) enter(ctx context.Context) (context.Context, error) {
	if a.verifier == nil {
		return ctx, nil
	}
	id, err := a.token.Check(ctx)
	if err != nil {
		return nil, fmt.Errorf("MCP_AUTH_TOKEN: %w", err)
	}
	return a.admit(ctx, id)
}

// entrance is enter for stdio; over HTTP the token of the request counts.
func (a *access) entrance(c *config.Config) func(context.Context) (context.Context, error) {
	if c.Transport != "stdio" {
		return nil
	}
	return a.enter
}

// checkToken refuses a start with a token that is no good. One that can't be checked now may be good later.
func (a *access) checkToken(ctx context.Context) error {
	_, err := a.enter(ctx)
	var refused *auth.TokenError
	if errors.As(err, &refused) && refused.Temporary {
		a.log.WarnContext(ctx, "the token can't be verified yet: calls are refused until it can", "error", err)
		return nil
	}
	return err
}

// caller names who makes a request, for what is shared between callers.
func caller(ctx context.Context) string {
	if c, ok := guard.CallerFrom(ctx); ok {
		return c.Sub
	}
	return ""
}

// until is when the token of who makes a request stops to be accepted.
func until(ctx context.Context) time.Time {
	if c, _ := guard.CallerFrom(ctx); c != nil {
		return c.Until
	}
	return time.Time{}
}

// protect sets what stands before the endpoint.
func (a *access) protect(h *serve.HTTPConfig, c *config.Config) error {
	if a.verifier == nil {
		return nil
	}
	endpoint := "/mcp"
	if c.Transport == serve.SSE {
		endpoint = "/sse"
	}
	resource := auth.Resource{URL: c.PublicURL, Path: endpoint, Issuer: c.AuthIssuer, Scopes: c.AuthScopes, Name: "mcp-postgres"}
	if err := resource.Validate(serve.IsLoopback(c.Host)); err != nil {
		return err
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		h.AllowedHosts = append(h.AllowedHosts, u.Host)
	}
	limiter, err := auth.NewLimiter(auth.Limits{PerSecond: c.CallerRate, Concurrent: c.CallerConcurrent})
	if err != nil {
		return err
	}
	gate := auth.Middleware(auth.Gate{Verifier: a.verifier, Resource: resource, Admit: a.admit, Logger: a.log})
	limit := limiter.Middleware(func(r *http.Request) string { return caller(r.Context()) })
	h.Protect = func(next http.Handler) http.Handler { return gate(limit(next)) }
	metadata := auth.MetadataHandler(resource)
	h.Open = map[string]http.Handler{
		"/.well-known/oauth-protected-resource": metadata, "/.well-known/oauth-protected-resource/": metadata,
	}
	return nil
}
