package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"mcp-postgres/internal/auth"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/reload"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/registry"
)

// app is everything that answers calls. close releases it.
type app struct {
	db          *database
	permissions *reload.Permissions
	access      *auth.Access
	observe     observe.Observer
	tools       *registry.Registry
	reconciler  *reload.Reconciler
}

// open opens the parts, each with those before it. The Observer is without an audit, which is opened too.
func open(ctx context.Context, c *config.Config, o observe.Observer, s streams, log *slog.Logger) (a *app, err error) {
	a = &app{observe: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.db, err = connect(ctx, c, log); err != nil { // first, for connections are made while the files are read
		return a, err
	}
	files, err := reload.Load(c, log)
	if err != nil {
		return a, err
	}
	if a.permissions, err = openPermissions(ctx, c, log); err != nil {
		return a, err
	}
	if a.access, err = openAccess(ctx, c, a.permissions, o.Metrics, log); err != nil {
		return a, err
	}
	if a.observe.Audit, err = observe.OpenAudit(c.Audit, c.AuditSQL, s.err, log); err != nil {
		return a, err
	}
	recheck := registry.NewRecheck()
	conf := registryConfig(c)
	conf.DB, conf.RoleDBs, conf.Logger, conf.Recheck = a.db.DB, a.permissions.RoleDBs(), log, recheck
	if a.observe != (observe.Observer{}) {
		conf.Observer = &a.observe
	}
	if a.tools, err = registry.Build(conf); err != nil {
		return a, err
	}
	a.reconciler, err = reload.New(ctx, reload.Config{Settings: c, DB: a.db.DB, Registry: a.tools, Recheck: recheck,
		Files: files, Permissions: a.permissions, Observer: a.observe, Logger: log})
	return a, err
}

// registryConfig is what the settings say of tools.
func registryConfig(c *config.Config) registry.Config {
	return registry.Config{ReadOnly: c.ReadOnly, Timeout: c.Timeout(), MaxRows: c.MaxRows, MaxBytes: c.MaxBytes,
		MaxReply: c.MaxReply, MaxSQLBytes: c.MaxSQL, Without: c.Disable, Version: version()}
}

func (a *app) close() error {
	a.access.Close()
	if a.permissions != nil {
		a.permissions.Close()
	}
	err := a.observe.Audit.Close()
	if a.db != nil {
		err = errors.Join(err, a.db.close())
	}
	return err
}

// database is the one of the settings. That of --demo ends with it.
type database struct {
	*postgres.DB
	cluster *demo.Cluster
}

// connect opens the database.
func connect(ctx context.Context, c *config.Config, log *slog.Logger) (d *database, err error) {
	if most := sqlscan.MaxNesting(); most < sqlscan.FullNesting {
		log.WarnContext(ctx, "the stack of threads is small, so SQL may nest less: ulimit -s 8192 would help",
			"nesting", most, "usual", sqlscan.FullNesting)
	}
	d = &database{}
	url := c.Conn
	if c.Demo {
		demo.ClearEnvironment()
		if d.cluster, err = demo.Start(ctx, demo.Config{Logger: log, Sample: true}); err != nil {
			return nil, err
		}
		url = d.cluster.URL()
	}
	d.DB, err = postgres.Open(ctx, postgres.Config{URL: url, MinConns: c.PoolMin, MaxConns: c.PoolMax,
		IdleTime: cmp.Or(c.PoolIdle, -1), Timeout: c.Timeout(), Logger: log})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) close() error {
	if d.DB != nil {
		d.Close()
	}
	if d.cluster != nil {
		return d.cluster.Stop()
	}
	return nil
}
