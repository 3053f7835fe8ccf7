package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/reload"
	"mcp-postgres/registry"
)

// database is one of those that are served, with its tools. That of --demo ends with it.
type database struct {
	config.Database
	*postgres.DB
	cluster    *demo.Cluster
	reconciler *reload.Reconciler
	changes    *reload.Watcher // nil where nothing is served
	stop       func()
	offered    []*registry.Served // the last one is offered now, the others may still be called
}

// served is the database as it is offered now.
func (d *database) served() *registry.Served {
	d.offered = append(d.offered, &registry.Served{
		Name: d.Name, Description: d.Description, Main: d.Main, Slots: d.Slots(), Registry: d.reconciler.Registry()})
	return d.offered[len(d.offered)-1]
}

// connect opens a database.
func connect(ctx context.Context, of config.Database, log *slog.Logger) (d *database, err error) {
	c := of.Settings
	d = &database{Database: of, stop: func() {}}
	url := c.Conn
	if c.Demo {
		demo.ClearEnvironment()
		if d.cluster, err = demo.Start(ctx, demo.Config{Logger: log, Sample: true}); err != nil {
			return nil, err
		}
		url = d.cluster.URL()
	}
	d.DB, err = postgres.Open(ctx, postgres.Config{URL: url, Password: password(c), MinConns: c.PoolMin,
		MaxConns: c.PoolMax, IdleTime: c.Idle(), Timeout: c.Timeout(), Logger: log})
	if err != nil {
		if of.Name != "" {
			err = fmt.Errorf("database %s: %w", of.Name, err)
		}
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// password says where the password of the login comes from. The database of --demo has its own.
func password(c *config.Config) postgres.Password {
	if c.Demo {
		return postgres.Password{}
	}
	return postgres.Password{Command: c.Command(), File: c.PasswordFile, Keep: c.PasswordKeep}
}

// connectTo opens the database that the settings name: of several the one of --database, or the default one.
func connectTo(ctx context.Context, c *config.Config, log *slog.Logger) (*database, error) {
	of, err := c.OneDatabase()
	if err != nil {
		return nil, err
	}
	return connect(ctx, of, log)
}

func (d *database) close() error {
	for _, s := range d.offered {
		s.End()
	}
	d.stop()
	if d.changes != nil {
		d.changes.Close()
	}
	if d.DB != nil {
		d.Close() // waits for the calls that use it
	}
	if d.cluster != nil {
		return d.cluster.Stop()
	}
	return nil
}

// openDatabases opens those of the settings, and reads their tool files.
func (a *app) openDatabases(ctx context.Context, all []config.Database) error {
	made := make([]*database, len(all))
	var group errgroup.Group
	for i, of := range all {
		group.Go(func() (err error) {
			made[i], err = a.openDatabase(ctx, of)
			return err
		})
	}
	err := group.Wait()
	a.databases = slices.DeleteFunc(made, func(d *database) bool { return d == nil })
	if err != nil {
		return err
	}
	a.served = registry.NewDatabases(a.offered()...)
	return nil
}

func (a *app) offered() []*registry.Served {
	var all []*registry.Served
	for _, d := range a.databases {
		all = append(all, d.served())
	}
	return all
}

// openDatabase opens one of them. The connections are made while the files are read.
func (a *app) openDatabase(ctx context.Context, of config.Database) (d *database, err error) {
	c, log := of.Settings, a.log
	if of.Name != "" {
		log = log.With("database", of.Name)
	}
	if d, err = connect(ctx, of, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
			d = nil
		}
	}()
	if a.watching {
		d.changes = reload.NewWatcher(log, c.Tools, c.Permissions)
	}
	files, err := reload.Load(of, log)
	if err != nil {
		return d, err
	}
	conf := registryConfig(c)
	conf.Name, conf.RoleDBs, conf.Logger, conf.Observer = of.Name, a.permissions.RoleDBs(), a.log, a.observe
	d.reconciler, err = reload.New(ctx, reload.Config{Database: of, DB: d.DB, Registry: conf, Files: files,
		Permissions: a.permissions, Logger: log})
	return d, err
}

// watch keeps what is offered in step with the files and the databases until stop is called.
func (a *app) watch(ctx context.Context) (stop func()) {
	a.mu.Lock()
	for _, d := range a.databases {
		a.watchDatabase(ctx, d)
	}
	a.mu.Unlock()
	if a.settings.Databases == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	// A fault in a tool file or in the permissions keeps a new database back, so that those count too.
	hangup, changes := hangups(), reload.NewWatcher(a.log, a.settings.Tools, a.settings.Databases, a.settings.Permissions)
	var wait sync.WaitGroup
	wait.Go(func() {
		for range changes.Changes(ctx, hangup) {
			a.reloadDatabases(ctx)
		}
	})
	return func() { cancel(); wait.Wait(); signal.Stop(hangup); changes.Close() }
}

// hangups are the signals that ask to read files again.
func hangups() chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP) // before the first answer, as the signal would end the process
	return c
}

// watchDatabase keeps the tools of a database in step until it is closed.
func (a *app) watchDatabase(ctx context.Context, d *database) {
	ctx, cancel := context.WithCancel(ctx)
	hangup := hangups()
	d.reconciler.Serve(a.served)
	var wait sync.WaitGroup
	wait.Go(func() { d.reconciler.Watch(ctx, d.changes, hangup) })
	d.stop = func() { cancel(); wait.Wait(); signal.Stop(hangup) }
}

// reloadDatabases reads the file of --databases again: new databases appear, others end as soon as the calls in flight
// have been answered. With faults all stays as it is.
func (a *app) reloadDatabases(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, err := a.settings.AllDatabases()
	if err == nil {
		err = a.replaceDatabases(ctx, all)
	}
	if err != nil {
		a.log.Error("databases not reloaded: they stay as they are", "error", err)
	}
}

func (a *app) replaceDatabases(ctx context.Context, all []config.Database) error {
	same := func(d *database, of config.Database) bool { return reflect.DeepEqual(d.Database, of) }
	if slices.EqualFunc(a.databases, all, same) {
		return nil
	}
	if err := a.permissions.SetDatabases(ctx, all[0].Names, a.served, a.observe.Metrics); err != nil {
		return err
	}
	next, made := make([]*database, len(all)), []*database(nil)
	for i, of := range all {
		if k := slices.IndexFunc(a.databases, func(d *database) bool { return d.Same(of) }); k >= 0 {
			next[i] = a.databases[k]
			continue
		}
		d, err := a.openDatabase(ctx, of)
		if err != nil {
			for _, d := range made {
				err = errors.Join(err, d.close())
			}
			return err
		}
		next[i], made = d, append(made, d)
	}
	for i, of := range all {
		next[i].Database = of
		next[i].reconciler.Update(of)
	}
	gone := slices.DeleteFunc(slices.Clone(a.databases), func(d *database) bool { return slices.Contains(next, d) })
	a.databases = next
	a.served.Set(a.offered())
	for _, d := range made {
		a.watchDatabase(ctx, d)
	}
	for _, d := range gone {
		a.retire(d)
	}
	a.log.Info("databases reloaded", "databases", len(next), "new", len(made), "gone", len(gone))
	return nil
}

// retire closes a database that is served no more, once its calls in flight have been answered.
func (a *app) retire(d *database) {
	if !slices.ContainsFunc(a.databases, func(other *database) bool { return other.Name == d.Name }) {
		a.observe.Metrics.SetPools("database "+d.Name, nil)
	}
	a.draining.Go(func() {
		if err := d.close(); err != nil {
			a.log.Error("closing a database", "database", d.Name, "error", err)
		}
	})
}
