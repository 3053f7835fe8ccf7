package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcp-postgres/internal/redact"
)

// warmUp makes the first connection of a pool alone. PostgreSQL needs 10 to 20 ms of a processor for each, and the first call
// should not wait for several that are made at once.
type warmUp struct {
	keeps   bool // the pool makes the first connection by itself
	begun   atomic.Bool
	calls   atomic.Int32 // that wait for a connection meanwhile
	first   chan struct{}
	rest    chan struct{}
	endOnce sync.Once
}

const (
	// warmUpTime bounds the wait for the first connection.
	warmUpTime = 100 * time.Millisecond
	// restTime is how much later the pool makes the others that it keeps.
	restTime = 200 * time.Millisecond
)

// newWarmUp begins; keeps says that the pool keeps connections, and makes them by itself.
func newWarmUp(keeps bool) *warmUp {
	w := &warmUp{keeps: keeps, first: make(chan struct{}), rest: make(chan struct{})}
	if keeps {
		time.AfterFunc(warmUpTime, w.end)
	}
	return w
}

// end says that the first connection is there, or is late.
func (w *warmUp) end() {
	w.endOnce.Do(func() {
		close(w.first)
		time.AfterFunc(restTime, func() { close(w.rest) })
	})
}

// connect is asked before each connection is made; its error ends that, as the end of closing does.
func (w *warmUp) connect(ctx, closing context.Context) error {
	next := w.rest
	switch {
	case !w.begun.Swap(true):
		if !w.keeps {
			time.AfterFunc(warmUpTime, w.end)
		}
		return nil
	case w.calls.Load() > 0:
		next = w.first
	}
	select {
	case <-next:
		return nil
	case <-closing.Done():
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is asked before a call takes a connection; done must be called when it has one.
func (w *warmUp) call(ctx context.Context) (done func()) {
	select {
	case <-w.rest:
		return func() {}
	default:
	}
	w.calls.Add(1)
	if w.keeps || w.begun.Load() {
		select {
		case <-w.first:
		case <-ctx.Done():
		}
	}
	return func() { w.calls.Add(-1) }
}

func (db *DB) beforeConnect(ctx context.Context, c *pgx.ConnConfig) error {
	if ctx.Value(idleOnly{}) != nil {
		return errNoneIdle
	}
	if err := db.warmUp.connect(ctx, db.closing); err != nil {
		return err
	}
	db.pooler.limit(c)
	return nil
}

func (db *DB) afterConnect(_ context.Context, conn *pgx.Conn) error {
	defer db.warmUp.end()
	return db.pooler.lookAt(sessionOf(conn.PgConn(), db.pooler))
}

// capacity lets as many calls to the pool as it has connections; the others wait for one of them, while more are made. A
// server that gives no more (a login's CONNECTION LIMIT, a pooler with fewer places than --pool-max) so fails no call.
type capacity struct {
	mu      sync.Mutex
	most    int       // connections of the pool
	known   int       // connections that there are, as last counted
	used    int       // calls that have one
	waiting int       // calls that wait for one
	dialing int       // connections that are being made for them
	failed  int       // attempts since the last one that made one
	next    time.Time // none is made before that
	warned  time.Time // when it was logged that there are no more
	signal  *signal
	pooler  *pooler
}

// signal wakes all that wait. An error says that there is no connection left to wait for.
type signal struct {
	came chan struct{}
	err  error
}

// growPause is the time between attempts to get more connections than the server gave.
const growPause = 5 * time.Second

func newCapacity(most int, p *pooler) *capacity {
	return &capacity{most: most, pooler: p, signal: &signal{came: make(chan struct{})}}
}

// wake wakes those that wait. The lock must be held.
func (c *capacity) wake(err error) {
	if c.waiting > 0 {
		c.signal.err = err
		close(c.signal.came)
		c.signal = &signal{came: make(chan struct{})}
	}
}

// admit takes a place, if there is one. The lock must be held.
func (c *capacity) admit() bool {
	if c.used >= c.known && c.known < c.most || c.used > 0 && c.pooler.alone.Load() {
		return false // at its most the pool has a queue of its own
	}
	c.used++
	return true
}

// free gives the place back.
func (c *capacity) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used--
	c.wake(nil)
}

// connected counts the connections that can be used.
func (db *DB) connected() int {
	s := db.pool.Stat()
	return int(s.TotalConns() - s.ConstructingConns())
}

// enter waits for a place.
func (db *DB) enter(ctx context.Context) error {
	c := db.capacity
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admit() {
		return nil
	}
	c.waiting++
	defer func() { c.waiting-- }()
	for {
		live := db.connected()
		c.known = live
		if c.admit() {
			return nil
		}
		more := live == 0 || !c.pooler.alone.Load() && !time.Now().Before(c.next)
		if more && c.dialing < c.waiting && live+c.dialing < c.most {
			c.dialing++
			db.cleaning.Go(db.grow)
		}
		if err := c.await(ctx); err != nil {
			return err
		}
	}
}

// await waits for a signal, or until another connection can be tried for, without the lock, which must be held before and is held after.
func (c *capacity) await(ctx context.Context) error {
	n := c.signal
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-n.came:
		return n.err
	case <-time.After(growPause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// grow makes one connection more, for whoever waits.
func (db *DB) grow() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*connectTimeout)
	defer cancel()
	defer context.AfterFunc(db.closing, cancel)()
	conn, err := db.take(ctx)
	if err == nil {
		conn.Release()
	}
	c := db.capacity
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialing--
	c.known = db.connected()
	if err == nil {
		c.failed = 0
		c.wake(nil)
		return
	}
	db.refused(err)
	if c.known == 0 && (c.dialing == 0 || c.failed >= c.most) { // else there is one to wait for
		c.wake(err)
	}
}

// refused notes that no more connections can be had now. The lock must be held.
func (db *DB) refused(err error) {
	c := db.capacity
	c.failed++
	c.next = time.Now().Add(growPause)
	if time.Since(c.warned) > time.Minute && db.connected() > 0 {
		c.warned = time.Now()
		db.log.Warn("no more connections can be had: calls wait for those that there are", "error", db.redacted(err))
	}
}

// waitForIdle gives back the place of a call that found no connection idle, and waits for a moment.
func (db *DB) waitForIdle(ctx context.Context) {
	c := db.capacity
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used--
	c.known = db.connected()
	c.wake(nil)
	c.waiting++
	defer func() { c.waiting-- }()
	pause, cancel := context.WithTimeout(ctx, retryPause)
	defer cancel()
	_ = c.await(pause)
}

const retryPause = 50 * time.Millisecond

// idleOnly marks the context of a call: it takes a connection that there is. Those that it waits for are made by grow, for the
// server may refuse them, and late, while another comes back. The pool hands the values of a context on to beforeConnect and
// has no other way to say so.
type idleOnly struct{}

var errNoneIdle = errors.New("no connection is idle")

// acquire takes a connection from the pool; release gives it back.
func (db *DB) acquire(ctx context.Context) (*pgxpool.Conn, *session, error) {
	defer db.warmUp.call(ctx)()
	for {
		err := db.enter(ctx)
		if err == nil {
			var conn *pgxpool.Conn
			conn, err = db.take(context.WithValue(ctx, idleOnly{}, true))
			if err == nil {
				return conn, sessionOf(conn.Conn().PgConn(), db.pooler), nil
			}
			if errors.Is(err, errNoneIdle) {
				db.waitForIdle(ctx)
				continue
			}
			db.capacity.free()
		}
		if ctx.Err() != context.Canceled {
			db.log.WarnContext(ctx, "no connection to the database", "error", db.redacted(err))
		}
		return nil, nil, connectError(ctx, err)
	}
}

// redacted is an error of the driver, for the log.
func (db *DB) redacted(err error) string {
	return redact.Text(err.Error(), db.pool.Config().ConnConfig.Password)
}

// take gives a connection that is there, or makes one. A pooler that shows itself by refusing one is asked again.
func (db *DB) take(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil && (db.pooler.refused(err) || db.refusesParameters(ctx, err)) {
		conn, err = db.pool.Acquire(ctx)
	}
	return conn, err
}

// withSession runs f on a connection of the pool. When ctx ends, the statement that f runs is cancelled in PostgreSQL.
func (db *DB) withSession(ctx context.Context, f func(*session) error) error {
	conn, s, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	release, returned := cancelOnDone(ctx, s.pc), false
	defer func() {
		// After a panic, of the sink or of Answer, messages may be left on the connection.
		if !release() || !returned {
			s.broken = true
		}
		db.putBack(ctx, conn, s)
	}()
	err = f(s)
	returned = true
	return err
}

// cancelOnDone cancels the running statement in PostgreSQL when ctx ends. The function it returns stops that, and reports false
// when a cancel was sent: it may still arrive, so the connection must not be used again.
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

// putBack gives the connection back. Off the path of the call, a broken or worn one is closed, once its backend is at rest, and
// the reset after a caller's SQL is waited for. The turn in ctx is kept while the backend may be at work on the call.
func (db *DB) putBack(ctx context.Context, conn *pgxpool.Conn, s *session) {
	if !s.broken && !s.resetting && !s.failed && !s.worn() {
		db.release(conn)
		return
	}
	var kept Kept = noTurn{}
	about := Stuck{PID: s.pid, Since: time.Now()}
	if s.broken && s.awaiting() {
		kept, about.Tool = keepTurn(ctx)
	}
	db.cleaning.Go(func() {
		defer kept.Free()
		defer db.release(conn)
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

func (db *DB) release(conn *pgxpool.Conn) {
	conn.Release()
	db.capacity.free()
}
