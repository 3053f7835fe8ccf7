package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/process"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/serve"
)

type serveCmd struct {
	config.Serve
}

// Run serves until a signal comes or, over stdio, the client closes standard input.
func (cmd serveCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	process.TuneMemory(c.Transport == "stdio")
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
	changes := reload.NewWatcher(c.Tools, c.Permissions, log)
	defer changes.Close()
	o := observe.Observer{Tracer: tracer}
	if showsMetrics(c) {
		o.Metrics = observe.NewMetrics(version())
	}
	a, err := open(ctx, c, o, s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if cmd.Strict {
		if err := refuseDangers(ctx, doctorConfig(c, a.db.DB, a.permissions, a.reconciler.Files())); err != nil {
			return err
		}
	}
	a.reconciler.WarnOfUnknownTools()
	watching, hangup := make(chan struct{}), make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before the first answer, as the signal would end the process
	defer signal.Stop(hangup)
	ctx, stop := context.WithCancel(ctx)
	go func() { defer close(watching); a.reconciler.Watch(ctx, changes, hangup) }()
	defer func() { stop(); <-watching }()
	run, err := a.ready(ctx, c, s, log)
	if err != nil {
		return err
	}
	log.Info("serving", "transport", c.Transport, "tools", len(a.tools.Names()), "read_only", c.ReadOnly, "database", a.db.Configured())
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
		Registry: a.tools, Observer: &a.observe, Version: version(), Slots: c.PoolMax, Enter: a.access.entrance(c), Logger: log,
	})
	if c.Transport == "stdio" {
		return func() error { return server.Stdio(ctx, s.in, s.out) }, a.access.checkToken(ctx)
	}
	h, err := a.listen(server, c)
	return func() error { return h.Serve(ctx) }, err
}

// showsMetrics reports whether /metrics is served. By default it is where only this machine can ask.
func showsMetrics(c *config.Config) bool {
	return c.Transport != "stdio" && (c.Metrics == "on" || c.Metrics == "auto" && serve.IsLoopback(c.Host))
}

func (a *app) listen(s *serve.Server, c *config.Config) (*serve.HTTP, error) {
	conf := a.httpConfig(c)
	if err := a.access.protect(&conf, c); err != nil {
		return nil, err
	}
	m := a.observe.Metrics
	if m != nil {
		if conf.Open == nil {
			conf.Open = map[string]http.Handler{}
		}
		conf.Open["GET /metrics"] = m.Handler()
	}
	conf.Wrap = func(next http.Handler) http.Handler { return m.Requests(a.observe.Tracer.Requests(next)) }
	return s.NewHTTP(conf)
}

func (a *app) httpConfig(c *config.Config) serve.HTTPConfig {
	return serve.HTTPConfig{
		Kind: c.Transport, PublicURL: c.PublicURL, Host: c.Host, Port: c.Port, TLSCert: c.TLSCert, TLSKey: c.TLSKey,
		AllowedHosts: c.AllowedHosts, AllowedOrigins: c.AllowedOrigins, InsecureNoAuth: c.InsecureNoAuth,
		ShutdownTimeout: c.ShutdownTimeout, Ready: a.missing, Warnings: a.warnings,
	}
}

// pingTimeout bounds the question whether the database is there.
const pingTimeout = 2 * time.Second

// nothing drops the rows of an answer.
type nothing struct{}

func (nothing) Columns([]postgres.Column) {}
func (nothing) Row([][]byte) bool         { return true }

// warnings is for whoever asks: the log has more.
func (a *app) warnings() map[string]string {
	stuck := len(a.stuck())
	if stuck == 0 {
		return nil
	}
	return map[string]string{"database": fmt.Sprintf("backends that heed neither cancellation nor termination: %d", stuck)}
}

// missing says what the server lacks to answer calls.
func (a *app) missing(ctx context.Context) map[string]string {
	missing := map[string]string{}
	var down *postgres.Unavailable
	switch _, err := a.db.Run(ctx, postgres.Call{SQL: "SELECT 1", Prepare: true, Timeout: pingTimeout}, nothing{}); {
	case errors.Is(err, postgres.ErrNoDatabase):
		missing["database"] = "none is connected"
	case errors.As(err, &down):
		missing["database"] = down.Reason
	case err != nil:
		missing["database"] = "it does not answer"
	}
	if a.access.verifier != nil {
		if err := a.access.verifier.Ready(); err != nil {
			missing["keys"] = "those of the issuer are not loaded; the log says why" // the error may name hosts and addresses, and anybody may ask
		}
	}
	if len(a.tools.Names()) == 0 {
		missing["tools"] = "there are none"
	}
	return missing
}
