package main

import (
	"context"
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
const poolSize = postgres.DefaultMaxConns

// toolFiles holds two tools of this benchmark, on the tables of the sample.
const toolFiles = "internal/bench/tools"

// Indexes of bench.databases. The second is there only where a wanted case needs it: it takes long to make.
const (
	sample = iota
	wide
)

// database is one PostgreSQL with everything that is measured on it.
type database struct {
	name    string
	args    []string // of the server over stdio
	schemas int      // to make; zero is the sample

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
		{name: "sample", args: []string{"--tools", toolFiles}},
		{name: "wide", schemas: b.schemas},
	}
	if !slices.ContainsFunc(b.cases(), func(c benchCase) bool { return c.on == wide }) {
		b.databases = b.databases[:wide]
	}
	for _, d := range b.databases {
		if err := b.open(ctx, d); err != nil {
			return fmt.Errorf("database %s: %w", d.name, err)
		}
	}
	var version string
	err = b.databases[sample].pool.QueryRow(ctx, "SHOW server_version").Scan(&version)
	fmt.Printf("PostgreSQL %s over TCP on the same machine, %d CPUs, %s, %d rounds of %v; wide has %d tables.\n\n",
		version, runtime.NumCPU(), runtime.Version(), b.rounds, b.slice, b.schemas*wideTables)
	return err
}

// httpPool is the pool of which one caller of ours may have poolSize connections at a time: a quarter is kept for others.
const httpPool = "13"

// open starts PostgreSQL, fills it, and connects every layer. What is open at an error ends with this program.
func (b *bench) open(ctx context.Context, d *database) error {
	c, err := demo.Start(ctx, demo.Config{Sample: d.schemas == 0, TCP: true, Settings: map[string]string{
		"max_locks_per_transaction": "512", "shared_buffers": "512MB", "max_wal_size": "4GB", // nothing waits for a disk
	}})
	if err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, c.Stop)
	if err := fill(ctx, c.AdminURL(), d.schemas); err != nil {
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
		return append([]string{"DATABASE_URL=" + c.URL(), b.server, "--transport", "streamable-http", "--host", host, "--port", port, "--pool-max", httpPool}, d.args...)
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

// wideTables are the tables item_0001, item_0002, ... in each schema area_01, area_02, ... of the database wide.
const wideTables = 400

// fillSchema makes the tables of one schema: eight columns, a primary key and comments each; three of four refer to
// another one, and each names one without a declared key.
const fillSchema = `DO $fill$
BEGIN
  CREATE SCHEMA %[1]s;
  SET LOCAL search_path = %[1]s;
  FOR i IN 1..%[2]d LOOP
    EXECUTE format($sql$
      CREATE TABLE %%1$s (
        id bigint PRIMARY KEY, code varchar(20) NOT NULL, name text, amount numeric(12,2) DEFAULT 0,
        active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), parent_id bigint %%2$s, %%3$s_id bigint);
      COMMENT ON TABLE %%1$s IS 'Items of kind %%4$s';
      COMMENT ON COLUMN %%1$s.amount IS 'In EUR, without tax'$sql$,
      'item_' || to_char(i, 'FM0000'),
      CASE WHEN i > 1 AND i %% 4 <> 0 THEN 'REFERENCES item_' || to_char(i / 2, 'FM0000') END,
      'item_' || to_char(i %% %[2]d + 1, 'FM0000'), i);
  END LOOP;
END $fill$`

// fill makes the schemas of wide, and the statistics of the catalogs, which autovacuum would make on a real server.
func fill(ctx context.Context, url string, schemas int) error {
	script := []string{"SET ROLE " + demo.Role}
	for n := range schemas {
		script = append(script, fmt.Sprintf(fillSchema, fmt.Sprintf("area_%02d", n+1), wideTables))
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, s := range append(script, "RESET ROLE", "VACUUM ANALYZE") {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
