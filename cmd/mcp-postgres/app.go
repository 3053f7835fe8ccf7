package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/registry"
)

// app is everything that answers calls. close releases it.
type app struct {
	settings    *config.Config
	log         *slog.Logger
	watching    bool // files are read again when they change
	permissions *reload.Permissions
	access      *auth.Access
	observe     observe.Observer
	served      *registry.Databases

	mu        sync.Mutex
	databases []*database    // the default one first
	draining  sync.WaitGroup // of databases that are served no more
}

// open opens the parts, each with those before it. The Observer is without an audit, which is opened too. With watching
// the files are watched from before they are read, so that no change goes unnoticed.
func open(ctx context.Context, c *config.Config, o observe.Observer, watching bool, s streams, log *slog.Logger) (
	a *app, err error) {
	a = &app{settings: c, log: log, watching: watching, observe: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	warnOfSmallStack(ctx, log)
	all := make([]config.Database, 1) // a command works on one
	if watching {
		all, err = c.AllDatabases()
	} else {
		all[0], err = c.OneDatabase()
	}
	if err != nil {
		return a, err
	}
	if a.permissions, err = openPermissions(ctx, c, all[0].Names, log); err != nil {
		return a, err
	}
	if a.access, err = openAccess(ctx, c, a.permissions, o.Metrics, log); err != nil {
		return a, err
	}
	if a.observe.Audit, err = observe.OpenAudit(c.Audit, c.AuditSQL, s.err, log); err != nil {
		return a, err
	}
	a.permissions.ShowPools(o.Metrics)
	return a, a.openDatabases(ctx, all)
}

// withApp opens the parts for a command, which works on one database, and closes them behind it. With enter it is for
// the caller of MCP_AUTH_TOKEN, as over stdio.
func withApp(ctx context.Context, c *config.Config, enter bool, s streams, log *slog.Logger,
	do func(context.Context, *app) error) (err error) {
	own := *c
	if enter {
		own.Transport = "stdio"
	}
	a, err := open(ctx, &own, observe.Observer{}, false, s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if enter {
		if ctx, err = a.access.Enter(ctx); err != nil {
			return err
		}
	}
	return do(ctx, a)
}

// main is the default database.
func (a *app) main() *database { return a.databases[0] }

// chosen are the tools of the default database, for the caller in ctx.
func (a *app) chosen(ctx context.Context) (context.Context, *registry.Registry) {
	in, _ := a.served.In(ctx, a.served.All()[0])
	return in, a.main().reconciler.Registry()
}

func warnOfSmallStack(ctx context.Context, log *slog.Logger) {
	if most := sqlscan.MaxNesting(); most < sqlscan.FullNesting {
		log.WarnContext(ctx, "the stack of threads is small, so SQL may nest less: ulimit -s 8192 would help",
			"nesting", most, "usual", sqlscan.FullNesting)
	}
}

// registryConfig is what the settings say of tools.
func registryConfig(c *config.Config) registry.Config {
	return registry.Config{ReadOnly: c.ReadOnly, Timeout: c.Timeout(), MaxRows: c.MaxRows, MaxBytes: c.MaxBytes,
		MaxAffected: c.MaxAffected,
		MaxReply:    c.MaxReply, MaxSQLBytes: c.MaxSQL, Without: c.Disable, Extra: reload.Extra(c),
		Version: version()}
}

func (a *app) close() (err error) {
	a.access.Close()
	for _, d := range a.databases {
		err = errors.Join(err, d.close())
	}
	a.draining.Wait()
	if a.permissions != nil {
		a.permissions.Close()
	}
	return errors.Join(err, a.observe.Audit.Close())
}
