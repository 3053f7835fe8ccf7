// Package postgres runs statements on PostgreSQL: one network round trip a call, two for a write, bounded in time, rows
// and bytes, and nothing of one call left for the next.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
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

// Some statements heed neither cancellation nor termination, such as a search in one huge text: PostgreSQL looks for
// signals between rows and in loops that it knows to be long, and nobody can list all others. The call is answered at
// its time limit all the same. The connection, its place in the pool and the caller's turn are kept until the backend
// is at rest or gone.

// Turn is the right of a call to run, which whoever gives it shares out between callers.
type Turn interface {
	// Keep says that a backend may go on when the call is answered. The turn ends with the Free of what it returns.
	Keep() Kept
}

// Kept is a turn that outlasts the answer to its call.
type Kept interface {
	// Stuck says that the backend heeds neither cancellation nor termination.
	Stuck()
	// Free says that the backend is at rest, or gone.
	Free()
}

// Stuck is a backend that heeds neither cancellation nor termination.
type Stuck struct {
	// PID is zero behind a pooler that hides it.
	PID   uint32
	Since time.Time
	// Tool is the name of the tool that was called.
	Tool string
}

type noTurn struct{}

func (noTurn) Stuck() {}

func (noTurn) Free() {}

// stuckBackends are those of one DB, by their connections.
type stuckBackends struct {
	mu  sync.Mutex
	all map[*session]Stuck

	asking sync.Mutex // one connection at a time asks about them
}

// Stuck are the backends that can't be stopped, the oldest first.
func (db *DB) Stuck() []Stuck {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	return slices.SortedFunc(maps.Values(db.stuck.all), func(a, b Stuck) int { return a.Since.Compare(b.Since) })
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

// addStuck notes a backend; false means that the DB is being closed.
func (db *DB) addStuck(s *session, about Stuck) bool {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	if db.pool.closing.Err() != nil {
		return false
	}
	if db.stuck.all == nil {
		db.stuck.all = map[*session]Stuck{}
	}
	db.stuck.all[s] = about
	return true
}

func (db *DB) removeStuck(s *session) {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	delete(db.stuck.all, s)
}

// leaveStuck ends the wait for all of them. The DB must be closing, so that no other is added.
func (db *DB) leaveStuck() {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	for s := range db.stuck.all {
		_ = s.pc.Conn().Close()
	}
}

// stop ends what the backend of a connection that is given up may still be doing. It returns when the backend is at
// rest or gone.
func (db *DB) stop(s *session, kept Kept, about Stuck) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*cancelGrace)
	defer cancel()
	if s.pc.IsClosed() || !s.awaiting() || s.pc.CancelRequest(ctx) == nil && s.quiet(cancelGrace) {
		return
	}
	b := &backend{pid: s.pid}
	gone, err := db.terminate(b)
	db.log.Warn("a statement did not heed its cancellation: its backend is terminated", "pid", b.pid, "error", err)
	if gone || s.quiet(cancelGrace) || !db.addStuck(s, about) {
		return
	}
	defer db.removeStuck(s)
	kept.Stuck()
	log := db.log.With("pid", about.PID, "since", about.Since, "tool", about.Tool)
	log.Error("a backend heeds neither cancellation nor termination: its connection is kept until it has ended")
	for wait := firstAsk; !db.atRest(s, b, wait); wait = min(2*wait, lastAsk) {
	}
	if db.pool.closing.Err() != nil {
		log.Warn("a backend that could not be stopped is left at work")
		return
	}
	log.Info("a backend that could not be stopped has ended")
}

// firstAsk and lastAsk are the shortest and the longest time between two questions about a backend.
const (
	firstAsk = 250 * time.Millisecond
	lastAsk  = 5 * time.Second
)

// backend is a process of the server. One that follows with the same number has another start.
type backend struct {
	pid   uint32
	start string
}

// atRest waits a while, and reports whether the backend is at rest or gone. Its connection shows that. A pooler may
// have closed that and left the backend at work: then only pg_stat_activity shows it.
func (db *DB) atRest(s *session, b *backend, wait time.Duration) bool {
	switch open := !s.pc.IsClosed(); {
	case open && s.quiet(wait):
		lost := s.awaiting() && s.pooled && b.pid != 0 // by the pooler: the backend is asked for next time
		return !lost || db.pool.closing.Err() != nil
	case !open:
		time.Sleep(wait)
	}
	if db.pool.closing.Err() != nil {
		return true
	}
	gone, err := db.terminate(b)
	if err != nil {
		db.log.Debug("asking about a backend that can't be stopped", "error", err)
	}
	return gone
}

// terminateSQL ends a backend, unless it is at rest. It gives no row for one that is gone.
const terminateSQL = `SELECT a.backend_start::pg_catalog.text, pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid OPERATOR(pg_catalog.=) $1 AND (a.state OPERATOR(pg_catalog.=) 'idle') IS NOT TRUE
  AND ($2::pg_catalog.text OPERATOR(pg_catalog.=) '' OR a.backend_start::pg_catalog.text OPERATOR(pg_catalog.=) $2)`

// terminate asks for the end of a backend of ours by a connection of its own, for the pool's may all be taken.
func (db *DB) terminate(b *backend) (gone bool, err error) {
	if b.pid == 0 {
		return false, errors.New("a pooler hides the backend")
	}
	db.stuck.asking.Lock()
	defer db.stuck.asking.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	conf, err := db.pool.config(ctx)
	if err != nil {
		return false, err
	}
	conf.RuntimeParams = maps.Clone(conf.RuntimeParams)
	conf.RuntimeParams["application_name"] = "mcp-postgres watch"
	conn, err := pgconn.ConnectConfig(ctx, conf)
	if err != nil {
		return false, err
	}
	args := [][]byte{strconv.AppendUint(nil, uint64(b.pid), 10), []byte(b.start)}
	answer := conn.ExecParams(ctx, terminateSQL, args, nil, nil, nil).Read()
	if err := errors.Join(answer.Err, conn.Close(ctx)); err != nil {
		return false, err
	}
	if len(answer.Rows) == 0 {
		return true, nil
	}
	b.start = string(answer.Rows[0][0])
	return false, nil
}
