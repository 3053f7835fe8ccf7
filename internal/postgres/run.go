package postgres

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Run runs one call and hands its rows to sink. The error is ErrNoDatabase, *Unavailable, *Error, what c.Bind returned,
// or the context's. A deadline of ctx bounds the statement too: it must leave Grace for the end. A read that meets a dead
// connection or a stale plan is tried once more, a write only if the server never saw it.
func (db *DB) Run(ctx context.Context, c Call, sink Sink) (Outcome, error) {
	if db.pool == nil {
		return Outcome{}, ErrNoDatabase
	}
	if err := db.crowded(&c); err != nil {
		return Outcome{}, err
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
	if err != nil && ctx.Err() == nil && db.heal(&c, out, err) {
		out, err = db.attempt(ctx, &c, timeout, sink)
	}
	late := time.Since(start) >= timeout.Truncate(time.Millisecond) // as the server has it
	if e := (*Error)(nil); late && errors.As(err, &e) && e.Code == "57014" || late && lostIn(err) != nil {
		return out, lateError(err, limit, c.commits())
	}
	return out, db.callError(ctx, &c, err)
}

// attempt runs the call on one connection of the pool.
func (db *DB) attempt(ctx context.Context, c *Call, timeout time.Duration, sink Sink) (Outcome, error) {
	t := &transaction{call: c, timeout: timeout, sink: sink, types: &db.types}
	err := db.withSession(ctx, func(s *session) error {
		t.session = s
		began := time.Now()
		err := elsewhere(s, c, t.run(ctx))
		t.out.Notices = s.notices.list()
		switch {
		case stale(err):
			s.stale[statementName(c.SQL)] = true
		case t.unbound && db.pooler.mixedUp(err):
			s.broken, err = true, &mixedUpError{cause: err}
		}
		if t.stopped && s.pc.Conn().SetReadDeadline(time.Time{}) != nil {
			s.broken = true
		}
		if c.Foreign {
			s.foreign++
			s.busy += time.Since(began)
		}
		return err
	})
	if err != nil || c.twoFlights() {
		return t.out, err
	}
	if t.held != nil { // any connection will do: that of the call may be broken
		if err := db.withSession(ctx, t.learn); err != nil {
			return t.out, err
		}
	}
	return t.out, t.answer()
}

// withSession runs f on a connection of the pool. When ctx ends, the statement that f runs is cancelled in PostgreSQL.
func (db *DB) withSession(ctx context.Context, f func(*session) error) error {
	conn, s, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	release, returned := watch(ctx, s.pc), false
	defer func() {
		// After a panic, of the sink or of Answer, messages may be left on the connection.
		if !release() || !returned {
			s.broken = true
		}
		db.put(ctx, conn, s)
	}()
	err = f(s)
	returned = true
	return err
}

// watch cancels the running statement in PostgreSQL when ctx ends. The function it returns stops that, and reports false
// when a cancel was sent: it may still arrive, so the connection must not be used again.
func watch(ctx context.Context, pc *pgconn.PgConn) func() bool {
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

// put gives the connection back. Off the path of the call, a broken or worn one is closed, once its backend is at rest, and
// the reset after a caller's SQL is waited for. The turn in ctx is kept while the backend may be at work on the call.
func (db *DB) put(ctx context.Context, conn *pgxpool.Conn, s *session) {
	if !s.broken && !s.resetting && !s.failed && !s.worn() {
		db.release(conn)
		return
	}
	var kept Kept = noTurn{}
	about := Stuck{PID: s.pid, Since: time.Now()}
	if s.broken && s.awaiting() {
		kept, about.Tool = keep(ctx)
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

// The memory that callers' statements leave in a backend, such as the types of rows that they made up and the catalogue
// entries that they looked for, stays until its end: no reset frees it. Few logins may ask how much it is, so that a connection
// is given up after so many statements, or after so much time at them: a new one costs some 10 ms.
const (
	maxForeign = 1000
	maxBusy    = 10 * time.Second
)

// worn reports whether the backend has run enough of callers' statements.
func (s *session) worn() bool { return s.foreign >= maxForeign || s.busy >= maxBusy }

// awaiting reports whether the answer to a Sync is outstanding: the backend is, or may be, at work.
func (s *session) awaiting() bool {
	return slices.ContainsFunc(s.parsing, func(a awaited) bool { return a.sync })
}

// quiet waits for the backend to come to rest after a cancellation; false means that it goes on.
func (s *session) quiet(most time.Duration) bool {
	if s.pc.Conn().SetReadDeadline(time.Now().Add(most)) != nil {
		return true
	}
	for s.awaiting() {
		if _, err := s.next(); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return true
}

// clean makes the connection fit for the next call, in bounded time.
func (s *session) clean() error {
	if err := s.pc.Conn().SetReadDeadline(time.Now().Add(cancelGrace)); err != nil {
		return err
	}
	if s.failed {
		if err := s.rollBack(); err != nil {
			return err
		}
	}
	if s.resetting {
		if err := s.finishReset(); err != nil {
			return err
		}
	}
	return s.pc.Conn().SetReadDeadline(time.Time{})
}

// rollBack ends a failed transaction whose ROLLBACK was skipped, and sends once more the reset behind it.
func (s *session) rollBack() error {
	if s.resetting {
		_, _ = s.answer() // it was refused, for the transaction had failed
	}
	s.end(false, s.resetting)
	if err := s.flush(); err != nil {
		return err
	}
	return s.ended()
}

// finishReset reads the answer to the reset. Where it tells of prepared statements that are not ours, or that ours are
// gone, everything is discarded.
func (s *session) finishReset() error {
	s.resetting = false
	rows, err := s.answer()
	if err != nil {
		return err
	}
	ours := len(rows) > 0 && len(rows) == len(s.prepared)
	for _, row := range rows {
		ours = ours && row[1] == "f"
	}
	if !ours {
		return s.discard()
	}
	return nil
}

// discard throws away all that a session can hold, our prepared statements too.
func (s *session) discard() error {
	clear(s.prepared)
	clear(s.stale)
	_, err := s.ask("", "DISCARD ALL")
	return err
}

// stale is the error of a kept statement whose tables have changed.
func stale(err error) bool {
	if err == nil {
		return false // without the memory that errors.As would take
	}
	var e *Error
	return errors.As(err, &e) && e.Code == "0A000" && strings.Contains(e.Message, "cached plan")
}

// heal reports whether a failed call is worth a second try, and makes way for it: a read that gave no row, or anything
// that was not executed because a pooler showed itself.
func (db *DB) heal(c *Call, out Outcome, err error) bool {
	var mixed *mixedUpError
	if lost := lostIn(err); lost != nil {
		db.pool.Reset() // the others are as old as the one that was dead
		return lost.unheard || !c.Write && out.Rows == 0
	}
	return errors.As(err, &mixed) || !c.Write && out.Rows == 0 && c.Keep && stale(err)
}

// callError words the errors that come from the connection or the context, not from PostgreSQL.
func (db *DB) callError(ctx context.Context, c *Call, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	switch lost := lostIn(err); {
	case lost != nil && c.commits() && !lost.uncommitted:
		return &Error{Code: "08007", Message: "the connection was lost while the statement ran: it may or may not have been committed", Hint: lookFirst}
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.As(err, &e) && e.givenUp && c.commits():
		e.Message, e.Hint = givenUp(e, c.twoFlights())
	case lost != nil:
		db.log.WarnContext(ctx, "connection lost", "error", err)
		message := "the connection to the database was lost"
		if c.Write {
			message += " while the statement ran: nothing was changed"
		}
		return &Error{Code: "08006", Message: message, Hint: "try again in a moment", Retryable: true}
	}
	return err
}

// givenUp words an answer that was not read to its end. With two flights the COMMIT was not sent.
func givenUp(e *Error, certain bool) (message, hint string) {
	if certain {
		return e.Message + ": nothing was changed", e.Hint
	}
	return e.Message + ": what the statement wrote, if anything, may or may not have been committed", strings.TrimPrefix(e.Hint+"; "+lookFirst, "; ")
}

const lookFirst = "look at the data before trying again: the change may have been made"

// timeoutError names the limit of the call, of which the check of the statement may have taken a part.
func timeoutError(limit time.Duration) *Error {
	return &Error{Code: "57014", Message: "the statement took longer than its time limit of " + limit.String() + " and was stopped",
		Hint: "make it cheaper: filter on indexed columns, or ask for less"}
}

// lateError words the end of a call at its time limit. A call may wait in a pooler, which has no server connection for it.
func lateError(err error, limit time.Duration, commits bool) *Error {
	told := timeoutError(limit)
	lost := lostIn(err)
	certain := lost == nil || lost.uncommitted
	if lost != nil && lost.queued && certain {
		told = &Error{Code: "53300", Message: "the connection pooler had no server connection for the statement within its time limit of " + limit.String(),
			Hint: "try again in a moment", Retryable: true}
	}
	switch {
	case commits && certain:
		told.Message += ": nothing was changed"
	case commits:
		told.Hint = lookFirst
	}
	return told
}
