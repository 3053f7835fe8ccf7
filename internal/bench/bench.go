package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
	"mcp-postgres/sql"
)

// toolFiles are two tools of this benchmark, given to the server with --tools.
//
//go:embed tools
var toolFiles embed.FS

// poolSize is the most connections of each layer: the default of the server.
const poolSize = postgres.DefaultMaxConns

// target is one database with everything that is measured on it.
type target struct {
	url      string
	pool     *pgxpool.Pool
	db       *postgres.DB
	registry *registry.Registry
	server   *client
	hard     *client // on the sample database only
	idle     memory  // of server
}

// bench is one run.
type bench struct {
	options
	cluster *demo.Cluster
	catalog *catalog.Catalog
	tools   string // the folder of toolFiles on disk
	self    string // this program
	targets map[string]*target
	results map[string]result // by key
}

// key names a result.
func key(name, layer string, workers int) string {
	return fmt.Sprintf("%s|%s|%d", name, layer, workers)
}

func (b *bench) run(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Print(b.heading(ctx))
	firsts, err := b.starts(ctx)
	if err != nil {
		return err
	}
	if err := b.measureAll(ctx); err != nil {
		return err
	}
	printFirsts(os.Stdout, firsts)
	peaks, err := b.printMemory(os.Stdout)
	if err != nil {
		return err
	}
	b.printGoals(os.Stdout, firsts, peaks)
	return nil
}

// prepare makes the databases and starts everything on them.
func (b *bench) prepare(ctx context.Context) error {
	if err := b.files(); err != nil {
		return err
	}
	urls, err := b.databases(ctx)
	if err != nil {
		return err
	}
	b.targets, b.results = map[string]*target{}, map[string]result{}
	for name, url := range urls {
		t := &target{url: url}
		b.targets[name] = t
		if err := b.open(ctx, t, name == sampleName); err != nil {
			return fmt.Errorf("opening the database %s: %w", name, err)
		}
	}
	time.Sleep(time.Second) // the servers come to rest
	for _, t := range b.targets {
		if t.idle, err = memoryOf(t.server.cmd.Process.Pid); err != nil {
			return err
		}
	}
	return nil
}

// files finds the programs and lays out the tools.
func (b *bench) files() error {
	var err error
	if b.server, err = filepath.Abs(b.server); err != nil {
		return err
	}
	if _, err := os.Stat(b.server); err != nil {
		return fmt.Errorf("-server: %w: run make build", err)
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.catalog, err = loadTools(); err != nil {
		return err
	}
	if b.tools, err = os.MkdirTemp("", "bench-tools-"); err != nil {
		return err
	}
	return os.CopyFS(b.tools, ownTools())
}

// databases starts PostgreSQL and gives the addresses of the databases. Most of its settings are those of a server
// for throw-away data; the buffers hold all of it, so that nothing waits for a disk.
func (b *bench) databases(ctx context.Context) (map[string]string, error) {
	began := time.Now()
	var err error
	b.cluster, err = demo.Start(ctx, demo.Config{Sample: true, TCP: true, Settings: map[string]string{
		"max_locks_per_transaction": "512", "shared_buffers": "512MB", "max_wal_size": "4GB",
	}})
	if err != nil {
		return nil, err
	}
	urls := map[string]string{sampleName: b.cluster.URL()}
	if b.needsWide() {
		urls[wideName], err = createWide(ctx, b.cluster, b.schemas())
	}
	fmt.Fprintf(os.Stderr, "bench: databases made in %v\n", time.Since(began).Round(time.Millisecond))
	return urls, err
}

// needsWide reports whether a wanted case is on the database wide. It takes the most time to make.
func (b *bench) needsWide() bool {
	return slices.ContainsFunc(b.cases(), func(c benchCase) bool { return c.database == wideName })
}

// schemas is how many the database wide has.
func (b *bench) schemas() int {
	if b.short {
		return wideSchemas / 10
	}
	return wideSchemas
}

// open connects every layer. The tools of the benchmark need the tables of the sample.
func (b *bench) open(ctx context.Context, t *target, sample bool) error {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var err error
	if t.pool, err = openPool(ctx, t.url); err != nil {
		return err
	}
	if t.db, err = postgres.Open(ctx, postgres.Config{URL: t.url, Logger: log}); err != nil {
		return err
	}
	t.registry, err = registry.Build(registry.Config{Tools: b.catalog.Tools, DB: t.db, Timeout: postgres.DefaultTimeout, Logger: log})
	if err != nil {
		return err
	}
	if !sample {
		t.server, err = b.launchServer(t)
		return err
	}
	if t.server, err = b.launchServer(t, "--tools", b.tools); err != nil {
		return err
	}
	t.hard, err = b.launchHard(t)
	return err
}

func (b *bench) launchServer(t *target, args ...string) (*client, error) {
	return launch(b.server, []string{"DATABASE_URL=" + t.url}, args...)
}

func (b *bench) launchHard(t *target) (*client, error) {
	return launch(b.self, []string{hardCodedEnv + "=" + t.url})
}

func openPool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	conf.MaxConns = poolSize
	return pgxpool.NewWithConfig(ctx, conf)
}

// loadTools reads the embedded tools of the server and those of the benchmark.
func loadTools() (*catalog.Catalog, error) {
	return catalog.Load(catalog.Source{FS: sql.Files}, catalog.Source{FS: ownTools()})
}

func ownTools() fs.FS {
	sub, err := fs.Sub(toolFiles, "tools")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// close ends everything that was started. A server that was killed says so.
func (b *bench) close() error {
	var errs []error
	for _, t := range b.targets {
		for _, c := range []*client{t.server, t.hard} {
			if c != nil {
				errs = append(errs, c.close())
			}
		}
		if t.db != nil {
			t.db.Close()
		}
		if t.pool != nil {
			t.pool.Close()
		}
	}
	if b.tools != "" {
		errs = append(errs, os.RemoveAll(b.tools))
	}
	if b.cluster != nil {
		errs = append(errs, b.cluster.Stop())
	}
	return errors.Join(errs...)
}
