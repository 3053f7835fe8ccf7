package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Run runs one call and hands its rows to sink. The error is ErrNoDatabase, *Unavailable, *Error, what c.Bind returned,
// or the context's. A read that meets a dead connection or a stale plan is tried once more; a write never is.
func (db *DB) Run(ctx context.Context, c Call, sink Sink) (Outcome, error) {
	if db.pool == nil {
		return Outcome{}, ErrNoDatabase
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = db.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+cancelGrace)
	defer cancel()
	start := time.Now()
	out, err := db.attempt(ctx, &c, timeout, sink)
	if err != nil && !c.Write && out.Rows == 0 && ctx.Err() == nil && db.heal(&c, err) {
		out, err = db.attempt(ctx, &c, timeout, sink)
	}
	late := time.Since(start) >= timeout
	if e := (*Error)(nil); late && errors.As(err, &e) && e.Code == "57014" || late && isLost(err) {
		return out, timeoutError(timeout)
	}
	return out, db.callError(ctx, &c, err)
}

// attempt runs the call on one connection of the pool.
func (db *DB) attempt(ctx context.Context, c *Call, timeout time.Duration, sink Sink) (Outcome, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		db.log.DebugContext(ctx, "no connection", "error", err)
		return Outcome{}, connectError(ctx, err)
	}
	s := sessionOf(conn.Conn().PgConn())
	t := &transaction{session: s, call: c, timeout: timeout, sink: sink, types: &db.types}
	release := watch(ctx, s.pc)
	err = t.run()
	if err == nil && t.held != nil && !t.broken {
		err = t.replay()
	}
	if stale(err) {
		s.stale[statementName(c.SQL)] = true
	}
	if !release() || t.stopped && s.pc.Conn().SetReadDeadline(time.Time{}) != nil {
		s.broken = true
	}
	db.put(conn, s, c.Foreign)
	return t.out, err
}

// watch cancels the running statement in PostgreSQL when ctx ends. The function it returns stops that, and reports false
// when a cancel was sent: it may still arrive, so the connection must not be used again.
func watch(ctx context.Context, pc *pgconn.PgConn) func() bool {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
		_ = pc.CancelRequest(cancelCtx)
		_ = pc.Conn().SetReadDeadline(time.Now().Add(cancelGrace))
	})
	return func() bool {
		if stop() {
			return true
		}
		<-done
		return false
	}
}

// put gives the connection back, off the path of the call where that takes time: a broken one is cancelled and closed,
// and one that ran a caller's SQL is reset.
func (db *DB) put(conn *pgxpool.Conn, s *session, foreign bool) {
	switch {
	case s.broken:
		db.cleaning.Go(func() {
			s.close()
			conn.Release()
		})
	case foreign:
		db.cleaning.Go(func() {
			if err := s.reset(); err != nil {
				db.log.Debug("connection not reset", "error", err)
				s.close()
			}
			conn.Release()
		})
	default:
		conn.Release()
	}
}

// close ends the connection, and what its backend may still be doing.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	_ = s.pc.CancelRequest(ctx)
	_ = s.pc.Close(ctx)
}

// reset throws away all that a session can hold: settings, roles, temporary tables, locks, cursors, prepared statements.
func (s *session) reset() error {
	if err := s.pc.Conn().SetReadDeadline(time.Now().Add(cancelGrace)); err != nil {
		return err
	}
	clear(s.prepared)
	clear(s.stale)
	s.parse("", "DISCARD ALL")
	s.execute("", nil, 0, false)
	s.sync()
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.untilReady(); err != nil {
		return err
	}
	return s.pc.Conn().SetReadDeadline(time.Time{})
}

// stale is the error of a kept statement whose tables have changed.
func stale(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "0A000" && strings.Contains(e.Message, "cached plan")
}

// heal reports whether a failed read is worth a second try, and makes way for it.
func (db *DB) heal(c *Call, err error) bool {
	switch {
	case isLost(err):
		db.pool.Reset() // the others are as old as the one that was dead
		return true
	case stale(err):
		return c.Keep
	}
	return false
}

// callError words the errors that come from the connection or the context, not from PostgreSQL.
func (db *DB) callError(ctx context.Context, c *Call, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case isLost(err) && c.Write:
		return &Error{Code: "08007", Message: "the connection was lost while the statement ran: it may or may not have been committed",
			Hint: "look at the data before trying again"}
	case isLost(err):
		db.log.WarnContext(ctx, "connection lost", "error", err)
		return &Error{Code: "08006", Message: "the connection to the database was lost", Hint: "try again in a moment", Retryable: true}
	}
	return err
}

func timeoutError(timeout time.Duration) *Error {
	return &Error{Code: "57014", Message: "the statement took longer than its time limit of " + timeout.String() + " and was stopped",
		Hint: "make it cheaper: filter on indexed columns, or ask for less"}
}

func isLost(err error) bool {
	var lost *lostError
	return errors.As(err, &lost)
}
