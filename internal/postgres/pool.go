package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcp-postgres/internal/redact"
)

// pool is a pool of pgx with a gate before it. A call gets a connection that is idle, or waits for one, in the order of
// the calls, while more are made. A server that gives fewer than the pool may have (a login's CONNECTION LIMIT, a
// pooler with fewer places) so fails no call.
type pool struct {
	*pgxpool.Pool
	url      string
	pooler   *pooler
	log      *slog.Logger
	password passwords
	most     int // connections that there may be

	// closing ends when shut is called.
	closing context.Context
	close   context.CancelFunc
	dials   sync.WaitGroup

	mu        sync.Mutex
	conf      *pgconn.Config // the last one that could be read
	entering  int            // calls that may take an idle connection, and have not yet
	dialing   int            // connections that are being made for those that wait
	waiting   []chan error   // gets nil for an idle connection
	failed    int            // attempts to connect since the last one that went well
	refused   error          // how the login was refused, if it was
	pause     time.Duration  // after the last refusal
	next      time.Time      // no attempt is made before
	lost      error          // why the last attempt gave no connection, while there is none
	lostAt    time.Time
	warned    time.Time // when it was last logged that there are no more connections
	waits     int64
	waitedFor time.Duration
}

const (
	// growPause is the time between attempts to get more connections than the server gave.
	growPause = 5 * time.Second
	// lookPause is the time after which those who wait look again, for connections that came idle unnoticed.
	lookPause = time.Second
	// A refused login is tried again after minPause, then after twice as long each time, up to maxPause: wrong credentials
	// in a loop lock accounts, and when they are right again nobody waits long.
	minPause, maxPause = 500 * time.Millisecond, 10 * time.Second
	// lostTime is the time between attempts while there is no connection: calls of a database that is down must not take
	// processor time from others.
	lostTime = 100 * time.Millisecond
)

// newPool begins to connect, unless c says otherwise.
func newPool(c Config, found *connInfo, pooler *pooler) (*pool, error) {
	p := &pool{url: c.URL, conf: found.Config, pooler: pooler, log: c.Logger,
		password: passwords{Password: c.Password, log: c.Logger},
		most:     min(cmp.Or(max(c.MaxConns, 0), defaultMaxConns), 10_000)}
	p.closing, p.close = context.WithCancel(context.Background())
	if found.most > 0 {
		p.most = min(p.most, found.most)
	}
	conf := found.pool
	conf.MaxConns, conf.MinConns = int32(p.most), int32(min(max(c.MinConns, 0), p.most))
	conf.MaxConnIdleTime = cmp.Or(c.IdleTime, defaultIdleTime)
	if c.IdleTime < 0 {
		conf.MaxConnIdleTime = math.MaxInt64
	}
	conf.HealthCheckPeriod = min(conf.MaxConnIdleTime/4, time.Minute)
	// A dead connection is found by its first statement, which is retried; a ping would cost every call a round trip.
	conf.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	conf.BeforeConnect, conf.AfterConnect = p.beforeConnect, p.afterConnect
	var err error
	if p.Pool, err = pgxpool.NewWithConfig(p.closing, conf); err != nil {
		return nil, connFault("%s", wantString)
	}
	if c.MinConns == 0 {
		p.dialing = 1
		p.dials.Go(p.dial)
	}
	return p, nil
}

// beforeConnect reads the connection string anew, for passwords and certificates change in their files.
func (p *pool) beforeConnect(ctx context.Context, c *pgx.ConnConfig) error {
	if err := p.pausing(); err != nil {
		return err
	}
	conf, err := p.config(ctx)
	if err == nil {
		c.Config = *conf
	}
	return err
}

// pausing is the error of an attempt that is not made now. While there is no connection, one attempt is made at a time,
// and others wait for what comes of it.
func (p *pool) pausing() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.lostAt; p.lost != nil && time.Since(last) < lostTime {
		p.mu.Unlock()
		time.Sleep(time.Until(last.Add(lostTime)))
		p.mu.Lock()
		if p.lost != nil && p.lostAt != last {
			return &pausedError{cause: p.lost}
		}
	}
	p.lostAt = time.Now()
	if p.refused == nil {
		return nil
	}
	if wait := time.Until(p.next); wait > 0 {
		return &pausedError{cause: p.refused, wait: wait}
	}
	p.pause = min(2*p.pause, maxPause)
	p.next = time.Now().Add(p.pause)
	return nil
}

func (p *pool) afterConnect(_ context.Context, conn *pgx.Conn) error {
	if err := p.pooler.lookAt(sessionOf(conn.PgConn(), p.pooler)); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.refused, p.lost, p.next = 0, nil, nil, time.Time{}
	return nil
}

// pausedError is an attempt that failed a moment ago, and is not made again yet. A refused login says when it is.
type pausedError struct {
	cause error
	wait  time.Duration
}

func (e *pausedError) Error() string { return e.cause.Error() }

func (e *pausedError) Unwrap() error { return e.cause }

// config is that of the next connection. A pooler gets only the parameters that it follows.
func (p *pool) config(ctx context.Context) (*pgconn.Config, error) {
	found, err := parseConnInfo(p.url)
	password := ""
	if p.password.own() {
		var failed error
		if password, failed = p.password.get(ctx); failed != nil {
			return nil, failed
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.conf = found.Config
	}
	if p.password.own() {
		p.conf.Password = password
	}
	conf := p.conf.Copy()
	if p.pooler.found.Load() {
		conf.RuntimeParams = p.pooler.startup
	}
	return conf, nil
}

// acquire takes a connection; release gives it back.
func (p *pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	for {
		if err := p.enter(ctx); err != nil {
			return nil, err
		}
		conn, err := p.take(ctx) // which makes one, where the idle one has been closed meanwhile
		p.mu.Lock()
		p.entering--
		retry := err != nil && ctx.Err() == nil && p.noted(err)
		p.mu.Unlock()
		if !retry {
			return conn, err
		}
	}
}

// loginRefused reports an error of the login: invalid authorization specification.
func loginRefused(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && strings.HasPrefix(pe.Code, refusedLogin)
}

// changeTime is how long a password may be another in the server than in its source, while it is changed.
const changeTime = 100 * time.Millisecond

// readsPassword reports whether the password is read from the password file or the service file for each connection.
func (p *pool) readsPassword() bool {
	found, err := parseConnInfo(with(p.url, map[string]string{"passfile": os.DevNull}))
	return !p.password.own() && (err == nil && found.Password == "" || strings.Contains(p.url, "service=") ||
		os.Getenv("PGSERVICE") != "")
}

// take gives a connection that is idle, or makes one. A pooler that shows itself by refusing one is asked again, and so
// is a server that refuses a password for which there may be another, a moment later.
func (p *pool) take(ctx context.Context) (*pgxpool.Conn, error) {
	began := time.Now()
	conn, err := p.Acquire(ctx)
	switch {
	case err == nil:
		return conn, nil
	case loginRefused(err) && (p.password.refused(began) || p.readsPassword()):
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(changeTime):
		}
	case !p.pooler.refuses(err) && !p.refusesParameters(ctx, err):
		return nil, err
	}
	return p.Acquire(ctx)
}

// enter waits until a connection is idle.
func (p *pool) enter(ctx context.Context) error {
	p.mu.Lock()
	if len(p.waiting) == 0 && p.admit() {
		p.mu.Unlock()
		return nil
	}
	came, since := make(chan error, 1), time.Now()
	p.waiting = append(p.waiting, came)
	p.waits++
	p.grow()
	p.mu.Unlock()
	for {
		select {
		case err := <-came:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.waitedFor += time.Since(since)
			return err
		case <-ctx.Done():
			return p.leave(ctx, came, since)
		case <-time.After(lookPause):
			p.serve()
		}
	}
}

// admit takes a place, if there is an idle connection for it, or as many connections as there may be: then the pool has
// a queue of its own. The lock must be held.
func (p *pool) admit() bool {
	s := p.Stat()
	idle := int(s.IdleConns()) > p.entering
	if p.pooler.alone.Load() {
		idle = idle && int(s.AcquiredConns())+p.entering == 0
	} else if s.TotalConns()-s.ConstructingConns() >= s.MaxConns() {
		idle = true
	}
	if idle {
		p.entering++
	}
	return idle
}

// live counts the connections that there are. The lock must be held.
func (p *pool) live() int {
	s := p.Stat()
	return int(s.TotalConns() - s.ConstructingConns())
}

// leave takes back a wait, or a place that came at the same moment.
func (p *pool) leave(ctx context.Context, came chan error, since time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waitedFor += time.Since(since)
	if i := slices.Index(p.waiting, came); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else if <-came == nil {
		p.entering--
		p.hand()
	}
	if p.live() == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errNoAnswer
	}
	return ctx.Err()
}

var errNoAnswer = errors.New("no connection was made within the time of the call")

// hand gives idle connections to those who wait, and makes others. The lock must be held.
func (p *pool) hand() {
	for len(p.waiting) > 0 && p.admit() {
		p.answer(nil)
	}
	p.grow()
}

// answer answers the one that has waited longest. The lock must be held.
func (p *pool) answer(err error) {
	p.waiting[0] <- err
	p.waiting = slices.Delete(p.waiting, 0, 1)
}

func (p *pool) release(conn *pgxpool.Conn) {
	conn.Release()
	p.serve()
}

// serve looks whether those who wait can be served.
func (p *pool) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hand()
}

// grow begins to make connections for those who wait. The lock must be held.
func (p *pool) grow() {
	if p.dialing >= len(p.waiting) || p.closing.Err() != nil {
		return
	}
	live := p.live()
	if live > 0 && (time.Now().Before(p.next) || p.pooler.alone.Load()) {
		return
	}
	for p.dialing < len(p.waiting) && live+p.dialing < p.most {
		p.dialing++
		p.dials.Go(p.dial)
	}
}

// dial makes one connection more, for whoever waits.
func (p *pool) dial() {
	limit := 2 * connectTimeout
	if p.password.Command != nil {
		limit += commandTime
	}
	ctx, cancel := context.WithTimeout(p.closing, limit)
	defer cancel()
	conn, err := p.take(ctx)
	if err == nil {
		conn.Release()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	if err == nil {
		p.hand()
		return
	}
	if !p.noted(err) && (p.dialing == 0 || p.failed >= p.most) {
		for len(p.waiting) > 0 {
			p.answer(err)
		}
	}
}

// noted takes note of an attempt that failed, and reports whether there is another connection to wait for. The lock
// must be held.
func (p *pool) noted(err error) bool {
	p.failed++
	live := p.live()
	paused := (*pausedError)(nil)
	switch again := errors.As(err, &paused); {
	case again: // nothing was tried
	case loginRefused(err):
		if p.refused == nil {
			p.pause = minPause
			p.next = time.Now().Add(minPause)
		}
		p.refused = err
	default:
		p.next = time.Now().Add(growPause)
		if live == 0 {
			p.lost, p.lostAt = err, time.Now()
		}
	}
	switch {
	case paused != nil || p.closing.Err() != nil:
	case live == 0:
		p.log.Warn("no connection to the database", "error", p.redacted(err))
	case time.Since(p.warned) > time.Minute:
		p.warned = time.Now()
		p.log.Warn("no more connections can be had: calls wait for those that there are", "error", p.redacted(err))
	}
	return live > 0
}

// redacted is an error of the driver, for the log. The lock must be held.
func (p *pool) redacted(err error) string { return redact.Text(err.Error(), p.conf.Password) }

func (p *pool) stats() Stats {
	s := p.Stat()
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Max: int(s.MaxConns()), Idle: int(s.IdleConns()), Used: int(s.AcquiredConns()),
		Opening: int(s.ConstructingConns()),
		Waits:   p.waits + s.EmptyAcquireCount(), WaitTime: p.waitedFor + s.EmptyAcquireWaitTime()}
}

// shut ends the pool for those who wait.
func (p *pool) shut() {
	p.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiting) > 0 {
		p.answer(net.ErrClosed)
	}
}

// wait closes the connections, and waits for those that calls have.
func (p *pool) wait() {
	p.dials.Wait()
	p.Close()
}
