// Package postgres runs statements on PostgreSQL: one network round trip a call, two for a write, bounded in time, rows
// and bytes, and nothing of one call left for the next.
package postgres

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Defaults of Config and Call.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMaxConns = 10
	DefaultIdleTime = 5 * time.Minute

	connectTimeout = 5 * time.Second
	// maxMessage bounds one protocol message, so that a cell of a gigabyte is refused before it is in memory.
	maxMessage = 4 << 20
	// Grace is how long a statement at its time limit may take to end by itself; then it is cancelled, and when it has not
	// ended after as long again, the call is answered without it.
	Grace = 500 * time.Millisecond
	// cancelGrace is how long, off the path of calls, a cancelled statement may take to end before its backend is
	// terminated.
	cancelGrace = 2 * time.Second
)

// Config says how to reach the database.
type Config struct {
	// URL is a connection string (URL or keyword/value). Empty means no database: every call is ErrNoDatabase.
	URL string
	// Password says where the password comes from, if it is not in URL.
	Password Password
	// MinConns are the connections kept open. With zero one is made at the start, and none is kept; with a negative number
	// nothing connects before the first call.
	MinConns int
	// MaxConns are the most connections; zero means DefaultMaxConns.
	MaxConns int
	// IdleTime is how long a connection beyond MinConns stays open without use; zero means DefaultIdleTime, negative for
	// ever.
	IdleTime time.Duration
	// Timeout is the statement timeout of a call that names none; zero means DefaultTimeout.
	Timeout time.Duration
	// Logger must be set.
	Logger *slog.Logger
}

// DB runs calls on one database. It is safe for concurrent use; Close ends it.
type DB struct {
	pool    *pool // nil without a database
	pooler  *pooler
	timeout time.Duration
	log     *slog.Logger
	types   typeCache
	stuck   stuckBackends
	// callers holds a place for each call of callers' SQL that has a connection, or waits for one.
	callers chan struct{}
	// cleaning counts connections that are being reset or closed off the path of a call; Close waits for them.
	cleaning sync.WaitGroup
}

// Open checks the configuration and begins to connect in the background. A database that is down is no error: calls
// answer Unavailable until it is back.
func Open(_ context.Context, c Config) (*DB, error) {
	db := &DB{timeout: cmp.Or(c.Timeout, DefaultTimeout), log: c.Logger}
	if c.URL == "" {
		return db, nil
	}
	found, err := parseConnInfo(c.URL)
	if err != nil {
		return nil, err
	}
	if db.pooler, err = newPooler(found.RuntimeParams, db.timeout, db.log); err != nil {
		return nil, err
	}
	if found.notes != nil {
		db.log.Info("parameters of other programs in the connection string", "parameters", strings.Join(found.notes, ", "))
	}
	if found.pooler {
		db.pooler.find("the connection string says so")
	}
	if db.pool, err = newPool(c, found, db.pooler); err != nil {
		return nil, err
	}
	db.callers = make(chan struct{}, db.pool.most-db.pool.most/4)
	return db, nil
}

// Close closes every connection and waits for calls in flight, but not for backends that can't be stopped.
func (db *DB) Close() {
	if db.pool == nil {
		return
	}
	db.pool.shut()
	db.leaveStuck()
	db.cleaning.Wait()
	db.pool.wait()
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
	s := db.pool.stats()
	s.Stuck = len(db.Stuck())
	return s
}

// withSession runs f on a connection of the pool. When ctx ends, the statement that f runs is cancelled in PostgreSQL.
func (db *DB) withSession(ctx context.Context, f func(*session) error) error {
	conn, err := db.pool.acquire(ctx)
	if err != nil {
		return connectError(ctx, err)
	}
	s := sessionOf(conn.Conn().PgConn(), db.pooler)
	release, returned := cancelOnDone(ctx, s.pc), false
	defer func() {
		// After a panic, of the sink or of Answer, messages may be left on the connection.
		if !release() || !returned {
			s.broken = true
		}
		db.putBack(conn, s)
	}()
	err = f(s)
	returned = true
	return err
}

// cancelOnDone cancels the running statement in PostgreSQL when ctx ends. The function it returns stops that, and
// reports false when a cancel was sent: it may still arrive, so the connection must not be used again.
func cancelOnDone(ctx context.Context, pc *pgconn.PgConn) func() bool {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = pc.Conn().SetReadDeadline(time.Now().Add(Grace))
		cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
		defer cancel()
		_ = pc.CancelRequest(cancelCtx)
	})
	return func() bool {
		if stop() {
			return true
		}
		<-done
		return false
	}
}

// putBack gives the connection back. Off the path of the call, a broken or worn one is closed, once its backend is at
// rest, and the reset after a caller's SQL is waited for. The turn of the call is kept while the backend may be at work
// on it.
func (db *DB) putBack(conn *pgxpool.Conn, s *session) {
	if !s.broken && !s.resetting && !s.failed && !s.worn() {
		db.release(conn, s)
		return
	}
	var kept Kept = noTurn{}
	about := Stuck{PID: s.pid, Since: time.Now()}
	if s.broken && s.awaiting() && s.holder != nil && s.holder.Turn != nil {
		kept, about.Tool = s.holder.Turn.Keep(), s.holder.Tool
	}
	db.cleaning.Go(func() {
		defer kept.Free()
		defer db.release(conn, s)
		if !s.broken {
			if err := s.clean(); err != nil {
				db.log.Debug("connection not reset", "error", err)
				s.broken = true
			}
		}
		if s.broken || s.worn() {
			db.stop(s, kept, about)
			end, cancel := context.WithTimeout(context.Background(), cancelGrace)
			defer cancel()
			_ = s.pc.Close(end) // the connection is given up
		}
	})
}

func (db *DB) release(conn *pgxpool.Conn, s *session) {
	call := s.holder
	s.holder = nil
	db.pool.release(conn)
	if call != nil && call.Untrusted {
		<-db.callers
	}
}
