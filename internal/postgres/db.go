// Package postgres runs statements on PostgreSQL: one network round trip a call, bounded in time, rows and bytes, and
// nothing of one call left for the next.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Defaults of Config and Call.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMinConns = 2
	DefaultMaxConns = 10

	connectTimeout = 5 * time.Second
	// maxMessage bounds one protocol message, so that a cell of a gigabyte is refused before it is in memory.
	maxMessage = 8 << 20
	// cancelGrace is how long a cancelled statement may take to end before its connection is closed.
	cancelGrace = 2 * time.Second
)

// Config says how to reach the database.
type Config struct {
	// URL is a connection string (URL or keyword/value). Empty means no database: every call is ErrNoDatabase.
	URL string
	// MinConns and MaxConns are the connections kept open and the most opened; zero means the defaults.
	MinConns, MaxConns int
	// Timeout is the statement timeout of a call that names none; zero means DefaultTimeout.
	Timeout time.Duration
	// Logger must be set.
	Logger *slog.Logger
}

// DB is a pool of connections to one database. It is safe for concurrent use; Close ends it.
type DB struct {
	pool    *pgxpool.Pool
	timeout time.Duration
	log     *slog.Logger
	types   typeCache
	// cleaning counts connections that are being reset or closed off the path of a call; Close waits for them.
	cleaning sync.WaitGroup
}

// Open checks the configuration and begins to connect in the background. A database that is down is no error: calls
// answer Unavailable until it is back.
func Open(ctx context.Context, c Config) (*DB, error) {
	db := &DB{timeout: c.Timeout, log: c.Logger}
	if db.timeout == 0 {
		db.timeout = DefaultTimeout
	}
	if c.URL == "" {
		return db, nil
	}
	conf, err := poolConfig(c)
	if err != nil {
		return nil, err
	}
	db.pool, err = pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("opening the connection pool: the connection string is not usable")
	}
	return db, nil
}

// Close closes every connection and waits for calls in flight.
func (db *DB) Close() {
	db.cleaning.Wait()
	if db.pool != nil {
		db.pool.Close()
	}
}

// Configured reports whether there is a connection string at all.
func (db *DB) Configured() bool { return db.pool != nil }

func poolConfig(c Config) (*pgxpool.Config, error) {
	conf, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, parseError(err)
	}
	if conf.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("connection string: default_query_exec_mode=simple_protocol is refused: " +
			"the simple protocol accepts several statements in one text; remove the setting")
	}
	conf.MinConns, conf.MaxConns = DefaultMinConns, DefaultMaxConns
	if c.MaxConns > 0 {
		conf.MaxConns = int32(min(c.MaxConns, 10_000))
	}
	if c.MinConns > 0 {
		conf.MinConns = int32(min(c.MinConns, 10_000))
	}
	conf.MinConns = min(conf.MinConns, conf.MaxConns)
	// A dead connection is found by its first statement, which is retried; a ping would cost every call a round trip.
	conf.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	pinSession(&conf.ConnConfig.Config)
	conf.ConnConfig.MaxProtocolMessageBodyLen = maxMessage
	if conf.ConnConfig.ConnectTimeout == 0 || conf.ConnConfig.ConnectTimeout > time.Minute {
		conf.ConnConfig.ConnectTimeout = connectTimeout
	}
	return conf, nil
}

// pinSession fixes the settings that change how values are written, so that answers don't depend on the server's. The
// connection string may choose the time zone, the application's name and jit, which costs short statements more than it saves.
func pinSession(c *pgconn.Config) {
	given := make(map[string]string, len(c.RuntimeParams))
	for k, v := range c.RuntimeParams {
		given[strings.ToLower(k)] = v
	}
	for k, v := range map[string]string{"timezone": "UTC", "application_name": "mcp-postgres", "jit": "off"} {
		if _, ok := given[k]; !ok {
			given[k] = v
		}
	}
	maps.Copy(given, map[string]string{
		"datestyle": "ISO, YMD", "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1",
		"standard_conforming_strings": "on", "client_encoding": "UTF8",
	})
	c.RuntimeParams = given
}

// parseError hides the connection string, which the driver quotes.
func parseError(err error) error {
	const want = "want postgres://user:password@host:port/database or keyword=value pairs"
	_, reason, ok := strings.Cut(err.Error(), "`: ")
	if !ok || strings.Contains(reason, "://") || strings.Contains(reason, "`") {
		return errors.New("connection string: " + want)
	}
	return fmt.Errorf("connection string: %s: %s", reason, want)
}
