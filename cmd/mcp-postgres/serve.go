package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/transport"
)

type serveCmd struct{}

// Run serves until a signal comes or, over stdio, the client closes standard input.
func (serveCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	a, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	log.Info("serving", "transport", c.Transport, "tools", len(a.tools.Names()), "read_only", c.ReadOnly, "database", a.db.Configured())
	t := transport.New(transport.Config{Slots: max(c.PoolMax, 5), UnknownTool: a.tools.UnknownTool, Logger: log})
	server := a.tools.Server(version(), t.Options()...)
	if c.Transport == "stdio" {
		err = t.Stdio(ctx, server, s.in, s.out)
	} else {
		var h *transport.HTTP
		if h, err = t.NewHTTP(server, a.httpConfig(c)); err == nil {
			err = h.Serve(ctx)
		}
	}
	log.Info("stopped")
	return err
}

func (a *app) httpConfig(c *config.Config) transport.HTTPConfig {
	return transport.HTTPConfig{
		Kind: c.Transport, Host: c.Host, Port: c.Port, TLSCert: c.TLSCert, TLSKey: c.TLSKey,
		AllowedHosts: c.AllowedHosts, AllowedOrigins: c.AllowedOrigins, InsecureNoAuth: c.InsecureNoAuth,
		ShutdownTimeout: c.ShutdownTimeout, Ready: a.missing,
	}
}

// pingTimeout bounds the question whether the database is there.
const pingTimeout = 2 * time.Second

// nothing drops the rows of an answer.
type nothing struct{}

func (nothing) Columns([]postgres.Column) {}
func (nothing) Row([][]byte) bool         { return true }

// missing says what the server lacks to answer calls.
func (a *app) missing(ctx context.Context) map[string]string {
	missing := map[string]string{}
	var down *postgres.Unavailable
	switch _, err := a.db.Run(ctx, postgres.Call{SQL: "SELECT 1", Keep: true, Timeout: pingTimeout}, nothing{}); {
	case errors.Is(err, postgres.ErrNoDatabase):
		missing["database"] = "none is connected"
	case errors.As(err, &down):
		missing["database"] = down.Reason
	case err != nil:
		missing["database"] = "it does not answer"
	}
	if len(a.tools.Names()) == 0 {
		missing["tools"] = "there are none"
	}
	return missing
}
