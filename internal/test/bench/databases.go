package main

import (
	"context"
	_ "embed" // what the databases hold
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/sql"
)

// poolSize is the most connections of each layer: the default of the server.
const poolSize = 10

// toolFiles holds two tools of this benchmark, on the tables of the sample.
const toolFiles = "internal/test/bench/tools"

// Names of databases. All but the sample are there only where a wanted case needs them: wide takes long to make.
const (
	sample  = "sample"
	billing = "billing"
	wide    = "wide"
)

var (
	//go:embed billing.sql
	billingScript string
	//go:embed wide.sql
	wideScript string
)

// database is one PostgreSQL with everything that is measured on it.
type database struct {
	name    string
	args    []string // of the server over stdio
	scripts []string // that fill it; nil is the sample

	pool        *pgxpool.Pool
	db          *postgres.DB
	stdio, hard *process // the whole server and the hard-coded one
	echo        *process // one that asks no database

	http, hardHTTP *web    // the whole server and the hard-coded one
	idle           float64 // MiB of stdio after its start
}

// prepare makes the databases and starts everything on them.
func (b *bench) prepare(ctx context.Context) error {
	var err error
	b.catalog, err = catalog.Load(catalog.Source{FS: sql.Files}, catalog.Source{Name: toolFiles, FS: os.DirFS(toolFiles)})
	if err != nil {
		return err
	}
	b.databases = []*database{
		{name: sample, args: []string{"--tools", toolFiles}},
		{name: billing, scripts: []string{billingScript}},
		{name: wide, scripts: wideScripts(b.schemas)},
	}
	cases := b.cases()
	b.databases = slices.DeleteFunc(b.databases, func(d *database) bool {
		return d.name != sample && !slices.ContainsFunc(cases, func(c benchCase) bool { return c.on == d.name })
	})
	for _, d := range b.databases {
		if err := b.open(ctx, d); err != nil {
			return fmt.Errorf("database %s: %w", d.name, err)
		}
	}
	var version string
	err = b.database(sample).pool.QueryRow(ctx, "SHOW server_version").Scan(&version)
	fmt.Printf("PostgreSQL %s over TCP on the same machine, %d CPUs, %s, %d rounds of %v; wide has %d tables.\n\n",
		version, runtime.NumCPU(), runtime.Version(), b.rounds, b.slice, b.schemas*wideTables)
	return err
}

// database is one of those that are there.
func (b *bench) database(name string) *database {
	return b.databases[slices.IndexFunc(b.databases, func(d *database) bool { return d.name == name })]
}

// httpPool is the pool of which one caller of ours may have poolSize connections at a time: a quarter is kept for
// others.
const httpPool = "13"

// open starts PostgreSQL, fills it, and connects every layer. What is open at an error ends with this program.
func (b *bench) open(ctx context.Context, d *database) error {
	c, err := demo.Start(ctx, demo.Config{Sample: d.scripts == nil, TCP: true, Settings: map[string]string{
		"max_locks_per_transaction": "512", "shared_buffers": "512MB", "max_wal_size": "4GB", // nothing waits for a disk
	}})
	if err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, c.Stop)
	if err := fill(ctx, c.AdminURL(), d.scripts); err != nil {
		return err
	}
	var errs [7]error
	d.pool, errs[0] = openPool(ctx, c.URL())
	d.db, errs[1] = postgres.Open(ctx, postgres.Config{URL: c.URL(), Logger: slog.New(slog.DiscardHandler)})
	d.stdio, errs[2] = launch(ctx, append([]string{"DATABASE_URL=" + c.URL(), b.server}, d.args...))
	d.hard, errs[3] = launch(ctx, []string{hardCodedEnv + "=" + c.URL(), os.Args[0]})
	d.echo, errs[4] = launch(ctx, []string{echoEnv + "=1", os.Args[0]})
	d.http, errs[5] = launchHTTP(ctx, func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		return append([]string{"DATABASE_URL=" + c.URL(), b.server, "--transport", "streamable-http", "--host", host,
			"--port", port, "--pool-max", httpPool}, d.args...)
	})
	d.hardHTTP, errs[6] = launchHTTP(ctx, func(addr string) []string {
		return []string{hardCodedEnv + "=" + c.URL(), os.Args[0], addr}
	})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, func() error {
		d.db.Close()
		d.pool.Close()
		return errors.Join(d.stdio.close(), d.hard.close(), d.echo.close(), d.http.close(), d.hardHTTP.close())
	})
	time.Sleep(time.Second) // the servers come to rest
	d.idle, _ = d.stdio.memory()
	return nil
}

func openPool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	conf.MaxConns = poolSize
	return pgxpool.NewWithConfig(ctx, conf)
}

// wideTables are the tables of each schema of the database wide.
const wideTables = 400

// wideScripts make the schemas area_01, area_02, ...
func wideScripts(schemas int) []string {
	list := []string{fmt.Sprintf("SET wide.tables = %d", wideTables)}
	for n := range schemas {
		list = append(list, fmt.Sprintf("SET wide.schema = 'area_%02d'", n+1), wideScript)
	}
	return list
}

// fill runs scripts, and makes the statistics of the catalogs, which autovacuum would make on a real server.
func fill(ctx context.Context, url string, scripts []string) error {
	scripts = append(append([]string{"SET ROLE " + demo.Role}, scripts...), "RESET ROLE", "VACUUM ANALYZE")
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, s := range scripts {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
