package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// startTimeout bounds the wait for the first connection.
const startTimeout = 30 * time.Second

// initialize runs initdb, with a locale that knows the letters of all languages where the system has one.
func (c *Cluster) initialize(ctx context.Context) error {
	characters := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		characters = "UTF-8"
	}
	err := c.initdb(ctx, characters)
	if err != nil && ctx.Err() == nil {
		err = c.initdb(ctx, "C")
	}
	return err
}

func (c *Cluster) initdb(ctx context.Context, characters string) error {
	secret := filepath.Join(c.dir.path, "password")
	if err := errors.Join(os.WriteFile(secret, []byte(c.password), 0o600), c.owner.give(secret)); err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	defer os.Remove(secret)
	cmd := c.command("initdb", "--pgdata="+c.dir.data(), "--username="+Superuser, "--pwfile="+secret,
		"--encoding=UTF8", "--locale=C", "--lc-ctype="+characters, "--no-sync", "--no-instructions", "--wal-segsize=1",
		// The directory keeps others away from the socket; a port is open to everyone on the machine.
		"--auth-local=trust", "--auth-host=scram-sha-256")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = shutdownWait
	p, err := launch(cmd, c.owner)
	if err == nil {
		err = p.wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("creating the demo database with %s: %w\n%s", cmd.Path, err, tail(output.Bytes()))
	}
	return nil
}

// serve starts postgres and waits until it lets us in.
func (c *Cluster) serve(ctx context.Context) (*process, error) {
	log, err := os.OpenFile(c.dir.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of the demo database: %w", err)
	}
	defer log.Close()
	cmd := c.command("postgres", c.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := launch(cmd, c.owner)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	if err := c.await(ctx, p); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.binaries, program), args...)
	cmd.Dir = c.dir.path
	cmd.Env = environment()
	cmd.ExtraFiles = []*os.File{c.dir.lock}
	return cmd
}

// arguments are the settings on the command line.
func (c *Cluster) arguments() []string {
	settings := c.defaults()
	if c.port != 0 {
		settings["listen_addresses"] = "127.0.0.1"
		settings["port"] = strconv.Itoa(c.port)
	}
	maps.Copy(settings, c.config.Settings)
	args := []string{"-D", c.dir.data()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// defaults make a server that is small, quick, and forgets everything in a crash.
func (c *Cluster) defaults() map[string]string {
	return map[string]string{
		"listen_addresses":        "",
		"port":                    strconv.Itoa(socketPort),
		"unix_socket_directories": `"` + strings.ReplaceAll(c.dir.path, `"`, `""`) + `"`,
		"unix_socket_permissions": "0700",
		"password_encryption":     "scram-sha-256",

		"fsync":              "off",
		"synchronous_commit": "off",
		"full_page_writes":   "off",
		"wal_level":          "minimal",
		"max_wal_senders":    "0",

		"shared_buffers":             "32MB",
		"dynamic_shared_memory_type": "mmap", // in the directory: nothing remains after a kill
		"autovacuum":                 "off",
		"jit":                        "off",

		"timezone":     "UTC",
		"log_timezone": "UTC",
		"cluster_name": "mcp-postgres demo",
	}
}

// await returns when a connection works, or says why none ever will.
func (c *Cluster) await(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %v", startTimeout))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.ping(ctx)
		if err == nil {
			return nil
		}
		if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code != "57P03" { // 57P03: still starting up
			return fmt.Errorf("connecting to the demo database: %w", err)
		}
		select {
		case <-p.done:
			output, _ := os.ReadFile(c.dir.logFile())
			return fmt.Errorf("starting the demo database: postgres ended (%v)\n%s", p.cmd.ProcessState, tail(output))
		case <-ctx.Done():
			return fmt.Errorf("waiting for the demo database: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func (c *Cluster) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.address(Superuser, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// createDatabase makes the role and the database of the demo.
func (c *Cluster) createDatabase(ctx context.Context) error {
	// The password is our own random letters and digits.
	err := execute(ctx, c.address(Superuser, "postgres"),
		"CREATE ROLE "+Role+" LOGIN PASSWORD '"+c.password+"'",
		"CREATE DATABASE "+Database+" OWNER "+Role)
	if err != nil {
		return fmt.Errorf("creating the demo database: %w", err)
	}
	return nil
}
