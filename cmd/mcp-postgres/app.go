package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/observe"
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
	observe observe.Observer
}

// open wires the parts: files, database, registry.
func open(ctx context.Context, c *config.Config, o observe.Observer, s streams, log *slog.Logger) (*app, error) {
	a, err := connect(ctx, c, log) // first, for the database is connected to while the files are read
	if err != nil {
		return nil, err
	}
	a.observe = o
	found, err := loadFiles(c, log)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	if a.access, err = openAccess(ctx, c, log, o.Metrics.KeyFetch); err != nil {
		a.access = &access{}
		return nil, errors.Join(err, a.close())
	}
	if a.observe.Audit, err = observe.OpenAudit(c.Audit, c.AuditSQL, s.err, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if err := a.build(ctx, c, found, log); err != nil {
		return nil, errors.Join(err, a.close())
	}
	o.Metrics.SetPools(a.pools())
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
	a.db, err = postgres.Open(ctx, postgres.Config{URL: url, MinConns: cmp.Or(c.PoolMin, -1), MaxConns: c.PoolMax,
		IdleTime: cmp.Or(c.PoolIdle, -1), Timeout: c.Timeout(), Logger: log})
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
	a.shelf.reloaded = a.observe.Metrics.Reload
	if a.access.verifier != nil {
		a.shelf.reread = func() { a.reread(ctx, c, log) }
	}
	a.shelf.ask(ctx)
	conf := registryConfig(c)
	conf.DB, conf.RoleDBs, conf.Logger, conf.Recheck = a.observe.Tracer.Database(a.db), roleDBs, log, a.shelf.suspect
	conf.Observe, conf.Stuck, conf.Trace = a.observe.Call, a.stuck, a.observe.Tracer.Within()
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

// pools are the connections by whom they belong to: the server, or a role.
func (a *app) pools() map[string]observe.Pool {
	all := map[string]observe.Pool{"shared": a.db}
	rules := a.access.rules.Load()
	if rules == nil {
		return all
	}
	a.access.mu.Lock()
	defer a.access.mu.Unlock()
	for _, role := range rules.Roles {
		if db := a.access.logins[role.Connection]; db != nil {
			all["role "+role.Name] = db
		}
	}
	return all
}

func (a *app) close() error {
	a.access.close()
	if a.db != nil {
		a.db.Close()
	}
	err := a.observe.Audit.Close()
	if a.cluster != nil {
		err = errors.Join(err, a.cluster.Stop())
	}
	return err
}
