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

const (
	// drainBytes and drainTime bound what is read and thrown away to keep a connection whose rows are no longer wanted.
	drainBytes = 4 << 20
	drainTime  = 50 * time.Millisecond
)

// transaction is one call on one connection.
type transaction struct {
	*session
	call    *Call
	timeout time.Duration
	sink    Sink
	types   *typeCache

	out     Outcome
	prelude int // statements before the call's
	stopped bool
	unbound bool // the error came before the statement at hand was executed
	dropped int  // bytes read after stopped
	held    *held
}

// held keeps rows until the types of their columns are known.
type held struct {
	fields []pgproto3.FieldDescription
	cols   []Column // once they are known
	rows   [][][]byte
	bytes  int
}

// run does the whole call, but for the answer to what is in one flight. Afterwards session.broken says whether the
// connection can be used again.
func (t *transaction) run(ctx context.Context) error {
	t.binds, t.commands, t.heard, t.ready, t.committing = 0, 0, 0, 0, false
	if err := t.call.Identity.check(); err != nil {
		return err
	}
	t.begin(t.call, t.timeout)
	t.prelude = t.queued
	args, name := t.call.Args, ""
	if t.call.Bind != nil {
		var err error
		if args, err = t.inferArgs(); err != nil {
			return t.finish(err, false)
		}
	} else {
		if t.call.Keep {
			name = statementName(t.call.SQL)
		}
		t.parse(name, t.call.SQL)
	}
	limit := 0
	if t.call.MaxRows > 0 && !t.call.twoFlights() {
		limit = t.call.MaxRows + 1
	}
	t.execute(name, args, limit, true)
	if t.pooled && t.call.leaves() && t.call.Write {
		t.fixed("", constraints)
	}
	// A read has one Sync, after the ROLLBACK, so that PostgreSQL answers in one piece: each more wakes both sides once more. After
	// an error the ROLLBACK is skipped; put sends it again.
	oneSync := !t.call.Write && !t.pooled
	if !oneSync {
		t.sync()
	}
	if t.call.twoFlights() {
		err := t.answered(ctx)
		return t.finish(err, err == nil && t.call.commits())
	}
	t.end(t.call.commits(), t.call.leaves())
	if err := t.flush(); err != nil {
		return err
	}
	err := t.read()
	if oneSync {
		return err
	}
	return t.last(err)
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
			end = &Error{Code: "40001", Message: "a connection pooler mixed its connections up: nothing was changed", Hint: "try again", Retryable: true}
		}
	}
	if err == nil {
		err = end
	}
	return err
}

// answered runs a statement that writes, up to its answer. The COMMIT is sent after that: whatever keeps the answer from
// being given, an error, a panic or a caller who no longer waits, leaves no change behind.
func (t *transaction) answered(ctx context.Context) error {
	if err := t.flush(); err != nil {
		return err
	}
	if err := t.read(); err != nil {
		return err
	}
	if t.held != nil {
		if err := t.learn(t.session); err != nil {
			return err
		}
	}
	if err := t.answer(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		t.broken = true // a cancellation is on its way
		return &lostError{cause: err, uncommitted: true}
	}
	return nil
}

// answer hands on the rows that were held, checks the rows that were written, and has the answer made.
func (t *transaction) answer() error {
	if t.held != nil {
		t.replay()
	}
	if most := t.call.MaxAffected; most > 0 && t.out.Affected > int64(most) {
		return &Error{Code: "54000", Message: fmt.Sprintf("the statement affects %d rows, more than the limit of %d: nothing was changed",
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
	words := strings.Fields(tag)
	if len(words) == 0 {
		return
	}
	t.out.Command = words[0]
	if n, err := strconv.ParseInt(words[len(words)-1], 10, 64); err == nil {
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

// row hands one row on. It reports false when reading on is not worth the connection.
func (t *transaction) row(values [][]byte) bool {
	if t.stopped {
		for _, v := range values {
			t.dropped += len(v)
		}
		return t.call.Write || t.dropped < drainBytes
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
	if !t.call.Write {
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

// replay hands on what was held.
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
