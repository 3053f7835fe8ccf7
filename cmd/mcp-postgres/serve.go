package main

import (
	"context"
	"errors"
	"log/slog"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/process"
	"mcp-postgres/internal/serve"
)

type serveCmd struct {
	config.Serve
}

// Run serves until a signal comes or, over stdio, the client closes standard input.
func (cmd serveCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	process.TuneMemory(c.Transport == "stdio", c.Databases != "")
	if c.Transport == "stdio" {
		var cancel func()
		ctx, cancel = process.WithParent(ctx) // before SIGHUP is asked for: whether it is ignored counts
		defer cancel()
	}
	tracer, err := observe.NewTracer(ctx, version(), log)
	if err != nil {
		return err
	}
	defer tracer.Close()
	log = slog.New(tracer.Logs(log.Handler()))
	o := observe.Observer{Tracer: tracer}
	if showsMetrics(c) {
		o.Metrics = observe.NewMetrics(version(), c.Databases != "")
	}
	a, err := open(ctx, c, o, true, s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := cmd.refuseDangers(ctx, a); err != nil {
		return err
	}
	for _, d := range a.databases {
		d.reconciler.WarnOfUnknownTools()
	}
	defer a.watch(ctx)()
	run, err := a.ready(ctx, c, s, log)
	if err != nil {
		return err
	}
	log.Info("serving", "transport", c.Transport, "tools", len(a.served.Names()), "read_only", c.ReadOnly,
		"database", a.main().Configured())
	err = run()
	log.Info("stopped", stopReason(ctx)...)
	return err
}

// stopReason is why the server stopped, where that is no signal and no end of input.
func stopReason(ctx context.Context) []any {
	if err := context.Cause(ctx); errors.Is(err, process.ErrParentGone) {
		return []any{"reason", err}
	}
	return nil
}

// ready does all that can stop a start, up to listening. run serves.
func (a *app) ready(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (run func() error, err error) {
	server := serve.New(serve.Config{
		Databases: a.served, Observer: a.observe, Version: version(), Access: a.access, Slots: c.PoolMax, Logger: log,
	})
	if c.Transport == "stdio" {
		return func() error { return server.Stdio(ctx, s.in, s.out) }, a.access.CheckToken(ctx)
	}
	h, err := server.NewHTTP(httpConfig(c))
	return func() error { return h.Serve(ctx) }, err
}

// showsMetrics reports whether /metrics is served. By default it is where only this machine can ask.
func showsMetrics(c *config.Config) bool {
	return c.Transport != "stdio" && (c.Metrics == "on" || c.Metrics == "auto" && serve.IsLoopback(c.Host))
}

func httpConfig(c *config.Config) serve.HTTPConfig {
	return serve.HTTPConfig{
		Kind: c.Transport, PublicURL: c.PublicURL, Host: c.Host, Port: c.Port, TLSCert: c.TLSCert, TLSKey: c.TLSKey,
		AllowedHosts: c.AllowedHosts, AllowedOrigins: c.AllowedOrigins, InsecureNoAuth: c.InsecureNoAuth,
		ShutdownTimeout: c.ShutdownTimeout,
	}
}
