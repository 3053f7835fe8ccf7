package main

import (
	"context"
	"log/slog"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/serve"
)

// openPermissions opens the permissions. It refuses incomplete settings of authentication, and roles whose connection
// is not set.
func openPermissions(ctx context.Context, c *config.Config, databases []string, log *slog.Logger) (*reload.Permissions,
	error) {
	if err := c.CheckAuth(c.Transport == "stdio"); err != nil {
		return nil, err
	}
	p, err := reload.OpenPermissions(ctx, c, databases, log)
	if err != nil {
		return nil, err
	}
	return p, p.CheckConnections()
}

// openAccess starts to fetch the issuer's keys, if the settings name an issuer. Without one authentication is off, and
// the Access nil.
func openAccess(ctx context.Context, c *config.Config, p *reload.Permissions, m *observe.Metrics, log *slog.Logger) (
	*auth.Access, error) {
	if c.AuthIssuer == "" {
		return nil, nil
	}
	a := &auth.Access{Rules: p.Current(), Logger: log}
	if c.Transport == "stdio" {
		a.Token = c.AuthToken()
	} else if err := protectHTTP(a, c); err != nil {
		return nil, err
	}
	var err error
	a.Verifier, err = auth.NewVerifier(ctx, auth.Config{Issuer: c.AuthIssuer, Audience: c.AuthAudience,
		JWKSURL: c.AuthJWKSURL, Scopes: c.AuthScopes, Logger: log, OnFetch: m.KeyFetch})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// protectHTTP says what is protected, and how much of it one caller may ask for.
func protectHTTP(a *auth.Access, c *config.Config) (err error) {
	endpoint := "/mcp"
	if c.Transport == serve.SSE {
		endpoint = "/sse"
	}
	a.Resource = auth.Resource{URL: c.PublicURL, Path: endpoint, Issuer: c.AuthIssuer, Scopes: c.AuthScopes,
		Name: "mcp-postgres"}
	if err = a.Resource.Validate(serve.IsLoopback(c.Host)); err != nil {
		return err
	}
	a.Limiter, err = auth.NewLimiter(auth.Limits{PerSecond: c.CallerRate, Concurrent: c.CallerConcurrent})
	return err
}
