package main

import (
	"context"
	"errors"
	"log/slog"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/transport"
)

type serveCmd struct{}

// Run serves until the client closes standard input or a signal comes.
func (serveCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	a, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	log.Info("serving", "transport", c.Transport, "tools", len(a.tools.Names()), "read_only", c.ReadOnly, "database", a.db.Configured())
	t := transport.New(transport.Config{Slots: max(c.PoolMax, 5), UnknownTool: a.tools.UnknownTool, Logger: log})
	err = t.Stdio(ctx, a.tools.Server(version(), t.Options()...), s.in, s.out)
	log.Info("stopped")
	return err
}
