// Package postgres runs statements on PostgreSQL: one network round trip a call, two for a write, bounded in time, rows
// and bytes, and nothing of one call left for the next.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Defaults of Config and Call.
const (
	defaultTimeout  = 30 * time.Second
	defaultMaxConns = 10
	defaultIdleTime = 5 * time.Minute

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
	// MaxConns are the most connections; zero means 10.
	MaxConns int
	// IdleTime is how long a connection beyond MinConns stays open without use; zero means 5 minutes, negative for
	// ever.
	IdleTime time.Duration
	// Timeout is the statement timeout of a call that names none; zero means 30 s.
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
	db := &DB{timeout: cmp.Or(c.Timeout, defaultTimeout), log: c.Logger}
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

// Run runs one call and hands its rows to sink. The error is ErrNoDatabase, *Unavailable, *Error, what c.Bind returned,
// or the context's. A deadline of ctx bounds the statement too: it must leave Grace for the end. A read that meets a
// dead connection is tried twice more, one that meets a stale plan once; a write only if the server never saw it.
func (db *DB) Run(ctx context.Context, c Call, sink Sink) (Outcome, error) {
	if db.pool == nil {
		return Outcome{}, ErrNoDatabase
	}
	limit := db.timeout
	if c.Timeout > 0 {
		limit = min(limit, c.Timeout)
	}
	start, timeout := time.Now(), limit
	if end, ok := ctx.Deadline(); ok {
		timeout = min(limit, end.Sub(start)-Grace)
	}
	if timeout <= 0 && ctx.Err() == nil {
		return Outcome{}, timeoutError(limit)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+Grace)
	defer cancel()
	out, err := db.attempt(ctx, &c, timeout, sink)
	if err == nil {
		return out, nil
	}
	late := func() bool { return time.Since(start) >= timeout.Truncate(time.Millisecond) } // as the server has it
	for n := 0; n < mostRetries && ctx.Err() == nil && !late() && (n == 0 || lostIn(err) != nil) &&
		db.shouldRetry(&c, out, err); n++ {
		out, err = db.attempt(ctx, &c, timeout, sink)
	}
	switch {
	case late() && (canceled(err) || lostIn(err) != nil):
		return out, lateError(err, limit, c.commits())
	case canceled(err) && ctx.Err() == nil:
		return out, &Error{Code: codeCanceled, Retryable: true, Running: true,
			Message: "the statement was canceled in the database, not by its time limit: nothing was changed",
			Hint:    "whoever canceled it may do so again"}
	}
	return out, db.publicError(ctx, &c, err)
}

// mostRetries is how often a call is tried again: while a login's connections are ended, a new one may be lost too.
const mostRetries = 2

// codeCanceled is query_canceled: by a time limit, or by a cancel request of anybody who may send one.
const codeCanceled = "57014"

func canceled(err error) bool {
	var e *Error
	return err != nil && errors.As(err, &e) && e.Code == codeCanceled
}

// attempt runs the call on one connection of the pool.
func (db *DB) attempt(ctx context.Context, c *Call, timeout time.Duration, sink Sink) (Outcome, error) {
	t := newTransaction(c, timeout, sink, &db.types)
	if err := db.takePlace(ctx, c); err != nil {
		return t.out, err
	}
	err := db.withSession(ctx, func(s *session) error { return t.runOn(ctx, s, c) })
	if c.Untrusted && t.session == nil {
		<-db.callers
	}
	if c.twoFlights() && (err == nil || len(t.done) == len(t.steps)) {
		return t.out, err
	}
	for _, t.step = range t.done {
		if t.held != nil { // any connection will do: that of the call may be broken
			if err := db.withSession(ctx, t.learn); err != nil {
				return t.out, err
			}
		}
		if err := t.answer(); err != nil {
			return t.out, err
		}
	}
	return t.out, err
}

// shouldRetry reports whether a failed call is worth another try, and makes way for it: a read that gave no row and
// met a dead connection, a stale plan or a cancel request that was not for it, as one behind a pooler can be, or
// anything that was not executed because a pooler showed itself.
func (db *DB) shouldRetry(c *Call, out Outcome, err error) bool {
	var mixed *mixedUpError
	if lost := lostIn(err); lost != nil {
		db.pool.Reset() // the others are as old as the one that was dead
		return lost.unheard || !c.Write && out.Rows == 0
	}
	return errors.As(err, &mixed) || !c.Write && out.Rows == 0 && (c.Prepare && stale(err) || canceled(err))
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

// takePlace waits until SQL of a caller may run. A quarter of the pool is never for it, so that tools are served
// whatever callers send; when half of the pool is stuck, no more is begun.
func (db *DB) takePlace(ctx context.Context, c *Call) error {
	if !c.Untrusted {
		return nil
	}
	if n := len(db.Stuck()); n >= max(2, (db.pool.most+1)/2) {
		return &Error{
			Code:    "53300",
			Message: strconv.Itoa(n) + " connections are taken by statements that PostgreSQL can't interrupt",
			Hint:    "try again when they have ended, which may take minutes; other tools still work", Retryable: true,
		}
	}
	select {
	case db.callers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return connectError(ctx, ctx.Err())
	}
}
