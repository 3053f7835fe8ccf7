package postgres

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/redact"
)

// pool holds the connections of a DB. A call takes the one that came back last, or waits for one, in the order of the calls,
// while more are made. A server that gives fewer than the pool may have (a login's CONNECTION LIMIT, a pooler with fewer places)
// so fails no call.
type pool struct {
	url    string
	pooler *pooler
	log    *slog.Logger
	most   int // connections that there may be
	keep   int // and those that there are while the pool is in use
	idle   time.Duration

	// closing ends when shut is called.
	closing context.Context
	close   context.CancelFunc
	// work counts the goroutines of the pool, and the connections that calls have.
	work sync.WaitGroup

	mu        sync.Mutex
	shutDown  bool
	conf      *pgconn.Config // the last one that could be read
	free      []*session     // the one given back last is taken first
	used      int            // connections that calls have
	dialing   int            // connections that are being made
	waiting   []chan taken
	reset     time.Time // connections made before are closed when they come back
	lastUse   time.Time
	failed    int           // attempts to connect since the last one that went well
	refused   error         // how the login was refused, if it was
	pause     time.Duration // after the last refusal
	next      time.Time     // no attempt is made before
	warned    time.Time     // when it was logged that there are no more connections
	waits     int64
	waitedFor time.Duration
}

// taken is what a call that waits gets.
type taken struct {
	session *session
	err     error
}

const (
	// maxLife is the age at which a connection is replaced by another.
	maxLife = time.Hour
	// growPause is the time between attempts to get more connections than the server gave.
	growPause = 5 * time.Second
	// A refused login is tried again after minPause, then after twice as long each time, up to maxPause: wrong credentials
	// in a loop lock accounts, and when they are right again nobody waits long.
	minPause, maxPause = 500 * time.Millisecond, 10 * time.Second
	// keepAfter is how much later than the first connection the others that are kept are made: the first call has the processor.
	keepAfter = 300 * time.Millisecond
)

// newPool begins to connect, unless c says otherwise.
func newPool(c Config, found *connInfo, pooler *pooler) *pool {
	p := &pool{url: c.URL, conf: found.Config, pooler: pooler, log: c.Logger, most: DefaultMaxConns, keep: DefaultMinConns, idle: c.IdleTime, lastUse: time.Now()}
	if c.MaxConns > 0 {
		p.most = c.MaxConns
	}
	if found.most > 0 {
		p.most = min(p.most, found.most)
	}
	if c.MinConns != 0 {
		p.keep = max(c.MinConns, 0)
	}
	p.keep = min(p.keep, p.most)
	if p.idle == 0 {
		p.idle = DefaultIdleTime
	}
	p.closing, p.close = context.WithCancel(context.Background())
	if p.keep > 0 {
		p.dialing = 1
		p.work.Go(p.dial)
	}
	p.work.Go(p.tend)
	return p
}

// acquire takes a connection; release gives it back.
func (p *pool) acquire(ctx context.Context) (*session, error) {
	p.mu.Lock()
	if s := p.pop(); s != nil {
		p.mu.Unlock()
		return s, nil
	}
	if err := p.hopeless(); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	came := make(chan taken, 1)
	p.waiting = append(p.waiting, came)
	p.waits++
	p.grow()
	p.mu.Unlock()
	defer p.countWait(time.Now())
	select {
	case t := <-came:
		return t.session, t.err
	case <-ctx.Done():
		return nil, p.leave(ctx, came)
	}
}

// pop takes a free connection, if there is one. The lock must be held.
func (p *pool) pop() *session {
	n := len(p.free) - 1
	if n < 0 || p.used > 0 && p.pooler.alone.Load() || p.shutDown {
		return nil
	}
	s := p.free[n]
	p.free[n] = nil
	p.free = p.free[:n]
	p.used++
	p.work.Add(1)
	p.lastUse = time.Now()
	if s.pooled = p.pooler.found.Load(); s.pooled {
		s.pid = 0
	}
	return s
}

// hopeless says why no connection is to be expected. The lock must be held.
func (p *pool) hopeless() error {
	wait := time.Until(p.next)
	switch {
	case p.shutDown:
		return net.ErrClosed
	case p.refused != nil && p.live() == 0 && p.dialing == 0 && wait > 0:
		return &pausedError{cause: p.refused, wait: wait}
	}
	return nil
}

// pausedError is a login that was refused a moment ago, and is not tried again yet.
type pausedError struct {
	cause error
	wait  time.Duration
}

func (e *pausedError) Error() string { return e.cause.Error() }

func (e *pausedError) Unwrap() error { return e.cause }

// live counts the connections that there are. The lock must be held.
func (p *pool) live() int { return len(p.free) + p.used }

func (p *pool) countWait(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waitedFor += time.Since(since)
}

// leave takes back a wait, or a connection that came at the same moment.
func (p *pool) leave(ctx context.Context, came chan taken) error {
	p.mu.Lock()
	i := slices.Index(p.waiting, came)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	none := p.live() == 0
	p.mu.Unlock()
	if i < 0 {
		if t := <-came; t.session != nil {
			p.release(t.session)
		}
	}
	if none && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errNoAnswer
	}
	return ctx.Err()
}

var errNoAnswer = errors.New("no connection was made within the time of the call")

// hand gives free connections to those who wait. The lock must be held.
func (p *pool) hand() {
	for len(p.waiting) > 0 {
		s := p.pop()
		if s == nil {
			return
		}
		p.answer(taken{session: s})
	}
}

// answer answers the one that has waited longest. The lock must be held.
func (p *pool) answer(t taken) {
	p.waiting[0] <- t
	p.waiting = slices.Delete(p.waiting, 0, 1)
}

// release gives a connection back. One that is closed, old or of before a reset makes way for another.
func (p *pool) release(s *session) {
	defer p.work.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used--
	p.lastUse = time.Now()
	s.freed = p.lastUse
	if p.shutDown || s.pc.IsClosed() || s.born.Before(p.reset) || time.Since(s.born) > maxLife {
		p.work.Go(s.close)
		p.grow()
		return
	}
	p.free = append(p.free, s)
	p.hand()
}

// forget closes the connections that are free, and those that calls have when they come back: they are as old as one that
// was found dead.
func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset = time.Now()
	p.drop(func(*session) bool { return true })
}

// drop closes free connections. The lock must be held.
func (p *pool) drop(which func(*session) bool) {
	p.free = slices.DeleteFunc(p.free, func(s *session) bool {
		if !which(s) {
			return false
		}
		p.work.Go(s.close)
		return true
	})
}

// grow begins to make connections for those who wait. The lock must be held.
func (p *pool) grow() {
	for p.dialing < len(p.waiting) && p.mayDial() {
		p.dialing++
		p.work.Go(p.dial)
	}
}

// mayDial reports whether another connection may be tried for. The lock must be held.
func (p *pool) mayDial() bool {
	live := p.live()
	if p.shutDown || live+p.dialing >= p.most {
		return false
	}
	late := !time.Now().Before(p.next)
	switch {
	case p.refused != nil:
		return late && p.dialing == 0
	case live > 0:
		return late && !p.pooler.alone.Load()
	}
	return true
}

// dial makes one connection. A pooler that shows itself by refusing one is asked again.
func (p *pool) dial() {
	ctx, cancel := context.WithTimeout(p.closing, 2*connectTimeout)
	defer cancel()
	s, err := p.connect(ctx)
	if err != nil && (p.pooler.refuses(err) || p.refusesParameters(ctx, err)) {
		s, err = p.connect(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	switch {
	case err != nil:
		p.failedToConnect(err)
	case p.shutDown:
		p.work.Go(s.close)
	default:
		p.failed, p.refused, p.next = 0, nil, time.Time{}
		p.free = append(p.free, s)
		p.hand()
	}
}

// failedToConnect answers those who wait when there is no connection to wait for. The lock must be held.
func (p *pool) failedToConnect(err error) {
	p.failed++
	pause := growPause
	if pe := (*pgconn.PgError)(nil); errors.As(err, &pe) && strings.HasPrefix(pe.Code, refusedLogin) {
		if p.refused == nil {
			p.pause = minPause
		} else if time.Now().After(p.next) { // else it was begun together with the last one
			p.pause = min(2*p.pause, maxPause)
		}
		p.refused, pause = err, p.pause
	}
	p.next = time.Now().Add(pause)
	if p.live() > 0 {
		if time.Since(p.warned) > time.Minute {
			p.warned = time.Now()
			p.log.Warn("no more connections can be had: calls wait for those that there are", "error", p.redacted(err))
		}
		time.AfterFunc(pause, p.retry)
		return
	}
	if p.closing.Err() == nil {
		p.log.Warn("no connection to the database", "error", p.redacted(err))
	}
	if p.dialing == 0 || p.failed >= p.most {
		for len(p.waiting) > 0 {
			p.answer(taken{err: err})
		}
	}
}

func (p *pool) retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow()
}

// connect makes a connection and looks where it leads.
func (p *pool) connect(ctx context.Context) (*session, error) {
	pc, err := pgconn.ConnectConfig(ctx, p.config())
	if err != nil {
		return nil, err
	}
	s := newSession(pc, p.pooler)
	if err := p.pooler.lookAt(s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// config is read anew for each connection: passwords and certificates change in their files. A pooler gets only the parameters
// that it follows.
func (p *pool) config() *pgconn.Config {
	found, err := parseConnInfo(p.url)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.conf = found.Config
	}
	conf := p.conf.Copy()
	if p.pooler.found.Load() {
		conf.RuntimeParams = p.pooler.startup
	}
	return conf
}

// redacted is an error of the driver, for the log. The lock must be held.
func (p *pool) redacted(err error) string { return redact.Text(err.Error(), p.conf.Password) }

// tend keeps as many connections as there are to be, and closes those that nobody uses.
func (p *pool) tend() {
	next := time.NewTimer(keepAfter)
	defer next.Stop()
	for {
		select {
		case <-p.closing.Done():
			return
		case <-next.C:
		}
		p.closeUnused()
		for p.short() {
			p.dial()
		}
		next.Reset(p.tendPause())
	}
}

// tendPause is short enough for the time that connections may be unused.
func (p *pool) tendPause() time.Duration {
	if p.idle < 0 {
		return time.Minute
	}
	return min(max(p.idle/4, time.Millisecond), time.Minute)
}

// asleep reports that no call has come for long, so that no connection is kept. The lock must be held.
func (p *pool) asleep() bool {
	return p.idle > 0 && p.used == 0 && time.Since(p.lastUse) >= p.idle
}

// short begins a connection that is to be kept. A failure is tried again later.
func (p *pool) short() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asleep() || p.live()+p.dialing >= p.keep || time.Now().Before(p.next) || !p.mayDial() {
		return false
	}
	p.dialing++
	return true
}

// closeUnused closes what is old or has been free for long.
func (p *pool) closeUnused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	left, asleep := p.live()-p.keep, p.asleep()
	p.drop(func(s *session) bool {
		unused := p.idle > 0 && time.Since(s.freed) >= p.idle && left > 0
		if unused {
			left--
		}
		return asleep || unused || time.Since(s.born) > maxLife
	})
}

func (p *pool) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Max: p.most, Idle: len(p.free), Used: p.used, Opening: p.dialing, Waits: p.waits, WaitTime: p.waitedFor}
}

// shut ends the pool for those who come.
func (p *pool) shut() {
	p.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shutDown = true
	for len(p.waiting) > 0 {
		p.answer(taken{err: net.ErrClosed})
	}
	p.drop(func(*session) bool { return true })
}

// wait waits for those who have connections.
func (p *pool) wait() { p.work.Wait() }
