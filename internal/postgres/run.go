package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// stale is the error of a kept statement whose tables have changed.
func stale(err error) bool {
	if err == nil {
		return false // without the memory that errors.As would take
	}
	var e *Error
	return errors.As(err, &e) && e.Code == "0A000" && strings.Contains(e.Message, "cached plan")
}

const (
	// drainBytes and drainTime bound what is read and thrown away to keep a connection whose rows are no longer wanted.
	drainBytes = 4 << 20
	drainTime  = 50 * time.Millisecond
)

// transaction is one call on one connection.
type transaction struct {
	*session
	*step
	timeout time.Duration
	types   *typeCache
	steps   []*step // all statements of the call; the step above is the one at hand
	done    []*step // those that have come to their end, in a read
}

// step is one statement of a call, with what it came to.
type step struct {
	call    *Call
	sink    Sink
	out     Outcome
	prelude int // statements before the caller's
	setFrom int // those that set the identity: from here, up to setTo
	setTo   int
	stopped bool
	unbound bool // the error came before the statement at hand was executed
	dropped int  // bytes read after stopped
	held    *held
}

func newTransaction(c *Call, timeout time.Duration, sink Sink, types *typeCache) *transaction {
	t := &transaction{step: &step{call: c, sink: sink}, timeout: timeout, types: types}
	t.steps = []*step{t.step}
	for _, n := range c.Then {
		call := *c
		call.SQL, call.Args, call.Verify, call.Answer, call.MaxRows = n.SQL, n.Args, n.Verify, n.Answer, n.MaxRows
		t.steps = append(t.steps, &step{call: &call, sink: n.Sink})
	}
	return t
}

// held keeps rows until the types of their columns are known.
type held struct {
	fields []pgproto3.FieldDescription
	cols   []Column // once they are known
	rows   [][][]byte
	bytes  int
}

// runOn runs the call on a connection, and notes what the connection is good for afterwards.
func (t *transaction) runOn(ctx context.Context, s *session, c *Call) error {
	t.session, s.holder = s, c
	began, err := time.Now(), t.run(ctx)
	t.out.Notices = s.notices.list()
	if err != nil {
		err = remoteError(s, c, err)
	}
	switch {
	case stale(err):
		s.stale[statementName(c.SQL)] = true
	case t.unbound && s.pooler.mixedUp(err):
		s.broken, err = true, &mixedUpError{cause: err}
	}
	if t.stopped && s.pc.Conn().SetReadDeadline(time.Time{}) != nil {
		s.broken = true
	}
	if c.Untrusted {
		s.untrusted++
		s.busy += time.Since(began)
	}
	return err
}

// run does the whole call, but for the answer to what is in one flight. Afterwards session.broken says whether the
// connection can be used again.
func (t *transaction) run(ctx context.Context) error {
	t.binds, t.commands, t.heard, t.ready, t.committing = 0, 0, 0, 0, false
	if err := t.call.Identity.check(); err != nil {
		return err
	}
	t.begin(t.call, t.timeout)
	if t.call.describe != nil {
		t.prelude = t.queued
		return t.finish(t.describeCall(), false)
	}
	// A read has one Sync, after the ROLLBACK, so that PostgreSQL answers in one piece: each more wakes both sides once
	// more. After an error the ROLLBACK is skipped; putBack sends it again.
	oneSync := !t.call.Write && !t.pooled && len(t.steps) == 1
	for i := range t.steps {
		if err := t.queue(i); err != nil {
			return t.finish(err, false)
		}
		if !oneSync {
			t.sync()
		}
	}
	if t.call.twoFlights() {
		err := t.answered(ctx)
		return t.finish(err, err == nil && t.call.commits())
	}
	t.end(t.call.commits(), t.call.leaves())
	if err := t.flush(); err != nil {
		return err
	}
	err := t.readAll()
	if oneSync {
		return err
	}
	return t.last(err)
}

// queue queues a statement of the call, the first after what begins the transaction.
func (t *transaction) queue(i int) (err error) {
	t.step = t.steps[i]
	if i > 0 {
		t.queued = 0
		t.identify(t.call)
	}
	t.prelude, t.setFrom, t.setTo = t.queued, t.identity, t.identified
	args, name := t.call.Args, ""
	if t.call.Bind != nil {
		if args, err = t.inferArgs(); err != nil {
			return err
		}
	} else {
		if t.call.Prepare {
			name = statementName(t.call.SQL)
		}
		t.parse(name, t.call.SQL)
	}
	limit := 0
	if t.call.MaxRows > 0 && !t.call.twoFlights() {
		limit = t.call.MaxRows + 1
	}
	t.execute(name, args, limit, true)
	if i == len(t.steps)-1 && t.pooled && t.call.leaves() && t.call.Write {
		t.fixed("", constraints)
	}
	return nil
}

// readAll takes the answers of all statements. After an error PostgreSQL refuses the others.
func (t *transaction) readAll() error {
	for i := range t.steps {
		if t.step = t.steps[i]; i > 0 {
			t.binds, t.commands = 0, 0
		}
		t.identity, t.identified = t.setFrom, t.setTo
		err := t.read()
		if err == nil {
			t.done = append(t.done, t.step)
		}
		if err != nil || t.broken {
			failed := t.step
			if e := (*Error)(nil); errors.As(err, &e) {
				e.Statement = i
			}
			for range t.steps[i+1:] {
				if _, skipped := t.session.answer(); skipped != nil && t.broken {
					break
				}
			}
			t.step = failed
			return err
		}
	}
	return nil
}

// finish ends the transaction by a flight of its own.
func (t *transaction) finish(err error, keep bool) error {
	if t.broken {
		return err
	}
	t.end(keep, t.call.leaves())
	if ferr := t.flush(); ferr != nil {
		return ferr
	}
	return t.last(err)
}

// last reads the answer to end. The error of the statement comes before that of the end.
func (t *transaction) last(err error) error {
	if t.broken {
		return err
	}
	end := t.ended()
	if t.stopped && !t.call.Write && lostIn(end) != nil {
		return err // the answer stands, the connection goes
	}
	if t.pooler.mixedUp(end) {
		t.broken = true // its transaction is still open
		end = nil
		if t.call.Write {
			end = &Error{Code: "40001", Message: "a connection pooler mixed its connections up: nothing was changed",
				Hint: "try again", Retryable: true}
		}
	}
	if err == nil {
		err = end
	}
	return err
}

// answered runs a statement that writes, up to its answer. The COMMIT is sent after that: whatever keeps the answer
// from being given, an error, a panic or a caller who no longer waits, leaves no change behind.
func (t *transaction) answered(ctx context.Context) error {
	if err := t.flush(); err != nil {
		return err
	}
	if err := t.readAll(); err != nil {
		return err
	}
	for _, t.step = range t.steps {
		if t.held != nil {
			if err := t.learn(t.session); err != nil {
				return err
			}
		}
		if err := t.answer(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		t.broken = true // a cancellation is on its way
		return &lostError{cause: err, uncommitted: true}
	}
	return nil
}

// answer gives the rows that were held to the Sink, checks the rows that were written, and has the answer made.
func (t *transaction) answer() error {
	if t.held != nil {
		t.replay()
	}
	if most := t.call.MaxAffected; most > 0 && t.out.Affected > int64(most) {
		return &Error{Code: "54000",
			Message: fmt.Sprintf("the statement affects %d rows, more than the limit of %d: nothing was changed",
				t.out.Affected, most)}
	}
	if t.call.Answer != nil {
		return t.call.Answer(t.out)
	}
	return nil
}

// inferArgs parses the statement and lets Bind make the values.
func (t *transaction) inferArgs() ([][]byte, error) {
	t.parse("", t.call.SQL)
	t.describe("")
	t.sync()
	if err := t.flush(); err != nil {
		return nil, err
	}
	oids, _, err := t.description()
	if err != nil {
		t.unbound = true
		if e := (*Error)(nil); errors.As(err, &e) {
			err = t.before(e)
		}
		return nil, err
	}
	types, err := t.types.resolve(t.session, oids)
	if err != nil {
		return nil, err
	}
	if t.pooled { // the look-ups are unnamed too
		t.parse("", t.call.SQL)
	}
	t.binds, t.commands = t.prelude, t.prelude // without the look-ups
	return t.call.Bind(types)
}

// read takes the answer of the statement, up to the first Sync.
func (t *transaction) read() error {
	var failed error
	for {
		msg, err := t.next()
		if err != nil {
			if t.stopped && !t.call.Write {
				return nil // the answer stands, the connection goes
			}
			return err
		}
		switch msg := msg.(type) {
		case *pgproto3.RowDescription:
			t.columns(msg)
		case *pgproto3.DataRow:
			if t.commands == t.prelude && !t.row(msg.Values) {
				t.broken = true
				return nil
			}
		case *pgproto3.CommandComplete:
			t.complete(string(msg.CommandTag))
		case *pgproto3.EmptyQueryResponse:
			failed = &Error{Code: "42601", Message: "the statement is empty"}
		case *pgproto3.ErrorResponse:
			e := serverError(msg)
			t.unbound = t.commands == t.binds
			e.Running = !t.unbound
			if t.unbound && t.commands == t.prelude {
				e.Parameter = parameterIn(msg.Where)
			}
			failed = t.before(e)
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// before rewrites an error of the statements before the call's own: their texts are for the operator.
func (t *transaction) before(e *Error) error {
	switch {
	case t.commands >= t.prelude:
		return e
	case t.pooled && carriedSetting(e) != nil:
		return carriedSetting(e)
	case t.call.Verify != nil && t.commands == t.prelude-1 && e.Code == codeChanged:
		return ErrChanged
	case t.identity <= t.commands && t.commands < t.identified && (e.Code == "22023" || e.Code == "42501"):
		t.pooler.log.Error("the identity of a caller can't be set", "search_path", t.call.Identity.SearchPath,
			"database_role", t.call.Identity.DatabaseRole, "error", e)
		e = &Error{Code: e.Code, Message: refusedIdentity, Hint: "the server's log says why"}
	}
	e.Position = 0
	return e
}

// parameterIn finds the number in "unnamed portal parameter $2", the context of an error while values are bound.
func parameterIn(where string) int {
	_, rest, ok := strings.Cut(where, "$")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, err := strconv.Atoi(rest[:digits])
	if !ok || err != nil {
		return 0
	}
	return n
}

func (t *transaction) complete(tag string) {
	if t.commands != t.prelude+1 {
		return
	}
	fields := strings.Fields(tag)
	if len(fields) == 0 {
		return
	}
	t.out.Command = fields[0]
	if n, err := strconv.ParseInt(fields[len(fields)-1], 10, 64); err == nil {
		t.out.Affected = n
	} else {
		t.out.Command = tag
	}
}

func (t *transaction) columns(m *pgproto3.RowDescription) {
	t.out.HasRows = true
	if cols := t.types.columns(m.Fields); cols != nil {
		t.sink.Columns(cols)
		return
	}
	t.held = &held{}
	for _, f := range m.Fields {
		f.Name = append([]byte(nil), f.Name...)
		t.held.fields = append(t.held.fields, f)
	}
}

// row gives one row to the Sink. It reports false when reading on is not worth the connection.
func (t *transaction) row(values [][]byte) bool {
	if t.stopped {
		for _, v := range values {
			t.dropped += len(v)
		}
		return t.call.Write || len(t.steps) > 1 || t.dropped < drainBytes
	}
	switch {
	case t.call.MaxRows > 0 && t.out.Rows == t.call.MaxRows:
		t.out.More = true
	case t.take(values):
		t.out.Rows++
		return true
	default:
		t.out.More = true
	}
	t.stopped = true
	if !t.call.Write && len(t.steps) == 1 {
		_ = t.pc.Conn().SetReadDeadline(time.Now().Add(drainTime))
	}
	return true
}

func (t *transaction) take(values [][]byte) bool {
	if t.held == nil {
		return t.sink.Row(values)
	}
	row := make([][]byte, len(values))
	for i, v := range values {
		if v != nil {
			row[i] = append([]byte{}, v...)
		}
		t.held.bytes += len(v)
	}
	t.held.rows = append(t.held.rows, row)
	return t.held.bytes < maxMessage
}

// learn looks up the types of the columns whose rows are held.
func (t *transaction) learn(s *session) (err error) {
	t.held.cols, err = t.types.resolveColumns(s, t.held.fields)
	return err
}

// replay gives the rows that were held to the Sink.
func (t *transaction) replay() {
	t.sink.Columns(t.held.cols)
	t.out.Rows = 0
	for _, row := range t.held.rows {
		if !t.sink.Row(row) {
			t.out.More = true
			break
		}
		t.out.Rows++
	}
}
