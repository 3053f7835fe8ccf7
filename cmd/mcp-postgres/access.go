package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/serve"
)

// access knows who calls. Without a verifier authentication is off.
type access struct {
	permissions *reload.Permissions
	verifier    *auth.Verifier
	token       string // the caller's over stdio and on the command line
	log         *slog.Logger
}

// openAccess starts to fetch the issuer's keys, if the settings name an issuer.
func openAccess(ctx context.Context, c *config.Config, p *reload.Permissions, m *observe.Metrics, log *slog.Logger) (*access, error) {
	if c.AuthIssuer == "" {
		return &access{log: log}, nil
	}
	v, err := auth.NewVerifier(ctx, auth.Config{
		Issuer: c.AuthIssuer, Audience: c.AuthAudience, JWKSURL: c.AuthJWKSURL, Scopes: c.AuthScopes, Logger: log, OnFetch: m.KeyFetch,
	})
	if err != nil {
		return nil, err
	}
	a := &access{permissions: p, verifier: v, log: log}
	if c.Transport == "stdio" {
		a.token = c.AuthToken()
	}
	return a, nil
}

func (a *access) close() {
	if a.verifier != nil {
		a.verifier.Close()
	}
}

// admit puts the caller of a verified token into the context.
func (a *access) admit(ctx context.Context, id auth.Identity) (context.Context, error) {
	caller, err := a.permissions.Rules().Caller(id.Sub, id.Claims)
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
	id, err := a.verifier.Verify(ctx, a.token)
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
