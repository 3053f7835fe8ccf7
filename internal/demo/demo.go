// Package demo runs a throw-away PostgreSQL: its own data directory, its own process, nothing left behind.
//
// The server comes from the binaries installed on this machine, else from a download. It lives in a private
// directory below the temporary directory and ends with the process that started it, however that one ends.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Role is the login of the demo: no superuser, owner of the demo database and of everything in it.
const Role = "demo"

// Database is the name of the demo database.
const Database = "demo"

// Superuser is the role behind Cluster.AdminURL.
const Superuser = "postgres"

// Config says what to start. The zero value is an empty database behind a unix socket.
type Config struct {
	// Logger hears about the start, the download and the stop. Nil is silence.
	Logger *slog.Logger
	// Sample loads the sample shop into the database.
	Sample bool
	// Settings are server parameters (name to value); they win over the fast-and-forgetful ones of this package.
	Settings map[string]string
	// TCP makes the server listen on a free port of 127.0.0.1 as well; URL and AdminURL then point there and
	// carry a random password.
	TCP bool
	// BinDir is the directory of initdb and postgres. Empty: searched as Installed does, then downloaded.
	BinDir string
	// Search replaces the places that are searched for binaries: glob patterns of directories, best first; "$PATH" stands
	// for the directories of PATH. Nil: the usual places of Debian, Red Hat, Homebrew and Postgres.app, and PATH.
	Search []string
	// CacheDir keeps a downloaded server between runs. Empty: mcp-postgres in the user's cache directory.
	CacheDir string
	// RepositoryURL is the Maven repository to download from. Empty: the public one.
	RepositoryURL string
}

// Cluster is one running server. Its methods are safe for concurrent use. Whoever started it calls Stop.
type Cluster struct {
	config   Config
	log      *slog.Logger
	binaries string
	owner    account
	dir      *directory
	janitor  *janitor
	port     int // of 127.0.0.1; 0 without TCP
	password string

	mu      sync.Mutex // guards server and stopped
	server  *process
	stopped bool
}

// Start creates a cluster and returns when it accepts connections and holds its data. Cancelling ctx during
// Start undoes everything; afterwards ctx means nothing to the cluster.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	began := time.Now()
	c, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.create(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	c.log.InfoContext(ctx, "demo database ready", "binaries", c.binaries, "took",
		time.Since(began).Round(time.Millisecond))
	return c, nil
}

// prepare finds the binaries and makes the private directory; no process of the cluster runs yet but the janitor.
func prepare(ctx context.Context, cfg Config) (*Cluster, error) {
	c := &Cluster{config: cfg, log: cfg.Logger, password: rand.Text()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.owner, err = serverAccount(); err != nil {
		return nil, err
	}
	if c.binaries, err = binaries(ctx, cfg, c.owner, c.log); err != nil {
		return nil, err
	}
	if cfg.TCP {
		if c.port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	if c.dir, err = newDirectory(c.owner); err != nil {
		return nil, err
	}
	if c.janitor, err = startJanitor(c.dir, c.owner); err != nil {
		return nil, errors.Join(err, c.dir.remove())
	}
	return c, nil
}

// create fills the directory and the database.
func (c *Cluster) create(ctx context.Context) error {
	if err := c.initialize(ctx); err != nil {
		return err
	}
	if err := c.Restart(ctx); err != nil {
		return err
	}
	if err := c.createDatabase(ctx); err != nil {
		return err
	}
	if !c.config.Sample {
		return nil
	}
	return LoadSample(ctx, c.URL())
}

// Restart starts the server again on the same data and the same address, stopping it first if it runs, and
// returns when it accepts connections.
func (c *Cluster) Restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("restarting the demo database: it was stopped for good")
	}
	if err := c.halt(); err != nil {
		return err
	}
	server, err := c.serve(ctx)
	c.server = server
	return err
}

// Halt stops the server (fast: open transactions roll back) and keeps its data and address for Restart.
// Halting a halted cluster does nothing.
func (c *Cluster) Halt() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.halt()
}

func (c *Cluster) halt() error {
	if c.server == nil {
		return nil
	}
	err := c.server.stop()
	c.server = nil
	return err
}

// Stop ends the server and removes its directory. A second Stop does nothing and returns nil.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	err := c.halt()
	c.janitor.stop()
	err = errors.Join(err, c.dir.remove())
	c.log.Info("demo database removed")
	return err
}

// PID is the process number of the server, 0 while it is halted.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return 0
	}
	return c.server.cmd.Process.Pid
}
