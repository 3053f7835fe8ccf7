// Package postgres runs statements on PostgreSQL: one network round trip a call, two for a write, bounded in time, rows and
// bytes, and nothing of one call left for the next.
package postgres

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
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
	maxMessage = 4 << 20
	// Grace is how long a statement at its time limit may take to end by itself; then it is cancelled, and when it has not
	// ended after as long again, the call is answered without it.
	Grace = 500 * time.Millisecond
	// cancelGrace is how long, off the path of calls, a cancelled statement may take to end before its backend is terminated.
	cancelGrace = 2 * time.Second
)

// Config says how to reach the database.
type Config struct {
	// URL is a connection string (URL or keyword/value). Empty means no database: every call is ErrNoDatabase.
	URL string
	// MinConns and MaxConns are the connections kept open and the most opened; zero means the defaults. A negative MinConns
	// keeps none open: nothing connects before the first call.
	MinConns, MaxConns int
	// Timeout is the statement timeout of a call that names none; zero means DefaultTimeout.
	Timeout time.Duration
	// Logger must be set.
	Logger *slog.Logger
}

// DB is a pool of connections to one database. It is safe for concurrent use; Close ends it.
type DB struct {
	pool     *pgxpool.Pool
	pooler   *pooler
	warmUp   *warmUp
	capacity *capacity
	timeout  time.Duration
	log      *slog.Logger
	types    typeCache
	stuck    stuckBackends
	// maxConns is the size of the pool.
	maxConns int
	// closing ends when Close is called.
	closing context.Context
	close   context.CancelFunc
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
	if err := db.usePooler(conf); err != nil {
		return nil, err
	}
	db.warmUp, db.maxConns = newWarmUp(conf.MinConns > 0), int(conf.MaxConns)
	db.capacity = newCapacity(db.maxConns, db.pooler)
	db.closing, db.close = context.WithCancel(context.Background())
	db.pool, err = pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("opening the connection pool: the connection string is not usable")
	}
	return db, nil
}

// Close closes every connection and waits for calls in flight, but not for backends that can't be stopped.
func (db *DB) Close() {
	if db.pool == nil {
		return
	}
	db.close()
	db.leaveStuck()
	db.cleaning.Wait()
	db.pool.Close()
}

// usePooler prepares for a pooler; pgbouncer=true in the connection string says that there is one.
func (db *DB) usePooler(conf *pgxpool.Config) error {
	said, given := conf.ConnConfig.RuntimeParams[saysPooler]
	delete(conf.ConnConfig.RuntimeParams, saysPooler)
	on, err := strconv.ParseBool(said)
	if given && err != nil {
		return connFault("%s is not one of true and false", saysPooler)
	}
	if db.pooler, err = newPooler(conf.ConnConfig.RuntimeParams, db.timeout, db.log); err != nil {
		return err
	}
	if on {
		db.pooler.find("the connection string says so")
	}
	conf.BeforeConnect, conf.AfterConnect = db.beforeConnect, db.afterConnect
	return nil
}

// Configured reports whether there is a connection string at all.
func (db *DB) Configured() bool { return db.pool != nil }

// Stats is the state of the connections.
type Stats struct {
	Max, Idle, Used, Opening int
	// Stuck are those of Used whose backend can't be stopped.
	Stuck int
	// Waits counts calls that had to wait for a connection, and WaitTime how long in all.
	Waits    int64
	WaitTime time.Duration
}

// Stats says how the connections are used at the moment; all is zero without a database.
func (db *DB) Stats() Stats {
	if db.pool == nil {
		return Stats{}
	}
	s := db.pool.Stat()
	return Stats{Max: int(s.MaxConns()), Idle: int(s.IdleConns()), Used: int(s.AcquiredConns()), Opening: int(s.ConstructingConns()), Stuck: len(db.Stuck()),
		Waits: s.EmptyAcquireCount(), WaitTime: s.EmptyAcquireWaitTime()}
}

func poolConfig(c Config) (*pgxpool.Config, error) {
	conf, err := parseConfig(c.URL)
	if err != nil {
		return nil, err
	}
	if err := refuseSimpleProtocol(conf.ConnConfig); err != nil {
		return nil, err
	}
	conf.MinConns, conf.MaxConns = DefaultMinConns, DefaultMaxConns
	if c.MaxConns > 0 {
		conf.MaxConns = int32(min(c.MaxConns, 10_000))
	}
	if c.MinConns != 0 {
		conf.MinConns = int32(min(max(c.MinConns, 0), 10_000))
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

const dateStyle = "ISO, YMD"

// saysPooler is a parameter for us, not for the server; other clients have it too.
const saysPooler = "pgbouncer"

// refuseSimpleProtocol refuses the setting of this driver, and the one of its forerunner, which the server would not know.
func refuseSimpleProtocol(c *pgx.ConnConfig) error {
	setting := ""
	if c.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		setting = "default_query_exec_mode=simple_protocol"
	}
	if old, ok := c.RuntimeParams["prefer_simple_protocol"]; ok {
		if on, err := strconv.ParseBool(old); err != nil || on {
			setting = "prefer_simple_protocol"
		}
		delete(c.RuntimeParams, "prefer_simple_protocol")
	}
	if setting == "" {
		return nil
	}
	return errors.New("connection string: " + setting + " is refused: the simple protocol accepts several statements in one text; " +
		"remove the setting (a connection pooler is found without it)")
}

// pinSession fixes the settings that change how values are written, so that answers don't depend on the server's. The
// connection string may choose the time zone, the application's name and jit, which costs short statements more than it saves.
func pinSession(c *pgconn.Config) {
	given := make(map[string]string, len(c.RuntimeParams))
	for k, v := range c.RuntimeParams {
		given[strings.ToLower(k)] = v
	}
	options, _ := parseOptions(given["options"])
	for k, v := range map[string]string{"timezone": "UTC", "application_name": "mcp-postgres", "jit": "off"} {
		_, ok := given[k]
		if _, option := options[k]; !ok && !option {
			given[k] = v
		}
	}
	maps.Copy(given, map[string]string{
		"datestyle": dateStyle, "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1",
		"standard_conforming_strings": "on", "client_encoding": "UTF8", "plan_cache_mode": "auto",
	})
	c.RuntimeParams = given
}
