package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/registry"
)

// app is everything a command needs; close gives it back.
type app struct {
	tools   *registry.Registry
	shelf   *shelf
	db      *postgres.DB
	cluster *demo.Cluster
	access  *access
	audit   *audit
	watch   watchers
}

// open wires the parts: files, database, registry.
func open(ctx context.Context, c *config.Config, log *slog.Logger) (*app, error) {
	return openWatched(ctx, c, watchers{}, log)
}

func openWatched(ctx context.Context, c *config.Config, w watchers, log *slog.Logger) (*app, error) {
	a, err := connect(ctx, c, log) // first, for the database is connected to while the files are read
	if err != nil {
		return nil, err
	}
	a.watch = w
	found, err := loadFiles(c, log)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	if a.access, err = openAccess(ctx, c, log, w.fetched); err != nil {
		a.access = &access{}
		return nil, errors.Join(err, a.close())
	}
	if a.audit, err = openAudit(c, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if a.audit != nil {
		a.watch.calls = append(a.watch.calls, a.audit.observe)
	}
	if err := a.build(ctx, c, found, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// connect opens the database alone. No caller is asked for.
func connect(ctx context.Context, c *config.Config, log *slog.Logger) (*app, error) {
	a, url := &app{access: &access{}}, c.Conn
	var err error
	warnOfSmallStack(ctx, log)
	if c.Demo {
		demo.ClearEnvironment()
		if a.cluster, err = demo.Start(ctx, demo.Config{Logger: log, Sample: true}); err != nil {
			return nil, err
		}
		url = a.cluster.URL()
	}
	a.db, err = postgres.Open(ctx, postgres.Config{URL: url, MinConns: cmp.Or(c.MinConns(), -1), MaxConns: c.PoolMax, Timeout: c.Timeout(), Logger: log})
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// warnOfSmallStack tells an operator why statements are refused that are not elsewhere.
func warnOfSmallStack(ctx context.Context, log *slog.Logger) {
	if most := sqlscan.MaxNesting(); most < sqlscan.FullNesting {
		log.WarnContext(ctx, "the stack of threads is small, so SQL may nest less: ulimit -s 8192 would help", "nesting", most, "usual", sqlscan.FullNesting)
	}
}

// build puts the tools of the files on the shelf, as far as the database goes along.
func (a *app) build(ctx context.Context, c *config.Config, found *files, log *slog.Logger) (err error) {
	roleDBs, err := a.roleDBs(ctx, c, a.access.rules.Load())
	if err != nil {
		return err
	}
	a.shelf = newShelf(c, a.db, found, log)
	a.shelf.reloaded = a.watch.reloaded
	if a.access.verifier != nil {
		a.shelf.reread = func() { a.reread(ctx, c, log) }
	}
	a.shelf.ask(ctx)
	conf := registryConfig(c)
	conf.DB, conf.RoleDBs, conf.Logger, conf.Recheck = a.watch.database(a.db), roleDBs, log, a.shelf.suspect
	conf.Observe, conf.Stuck, conf.Trace = a.watch.observe(), a.stuck, a.watch.tracer.Within()
	if a.tools, err = registry.Build(conf); err != nil {
		return err
	}
	a.shelf.registry = a.tools
	set, err := a.shelf.set()
	if err != nil {
		return err
	}
	return a.tools.Replace(set)
}

// registryConfig is what the settings say of tools.
func registryConfig(c *config.Config) registry.Config {
	return registry.Config{ReadOnly: c.ReadOnly, Timeout: c.Timeout(), MaxRows: c.MaxRows, MaxBytes: c.MaxBytes, MaxSQLBytes: c.MaxSQL,
		Without: c.Disable, Version: version()}
}

func (a *app) close() error {
	a.access.close()
	if a.db != nil {
		a.db.Close()
	}
	err := a.audit.close()
	if a.cluster != nil {
		err = errors.Join(err, a.cluster.Stop())
	}
	return err
}
