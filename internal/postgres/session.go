package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// session speaks the extended query protocol on one connection. Messages are queued and sent together, so that a whole
// transaction costs one round trip; pgx's own calls can't bound rows by the protocol (Execute's limit), which this
// does.
type session struct {
	pc       *pgconn.PgConn
	fe       *pgproto3.Frontend
	prepared map[string]bool // statements kept on the connection, by name
	stale    map[string]bool // those whose tables have changed: they must be parsed again
	parsing  []awaited       // Parse and Sync messages whose answer is awaited, in order
	heard    int             // messages received in answer to the call
	ready    int             // and how many of them answer a Sync
	binds    int             // Bind messages answered in the transaction
	commands int             // and statements that came to their end, or to their row limit
	notices  notices         // since the begin of the transaction
	queued   int             // statements of our own since then

	identity, identified int // those that set the identity: from here, up to here

	untrusted int           // statements of callers that the backend has run
	busy      time.Duration // and how long it took

	pooler *pooler
	pooled bool   // the connection is one to a pooler
	pid    uint32 // the backend that runs the transaction, as far as it is known
	asked  bool   // the row with the backend's number in it is to come
	direct bool   // the other end is the backend itself, nothing between
	maySet bool   // the login may call set_config
	citus  bool   // it is Citus, or may be: nobody has looked

	holder *Call // that has the connection

	// resetting means that a reset has been sent and its answer is still to be read.
	resetting bool
	// committing means that the COMMIT has been sent.
	committing bool
	failed     bool // the transaction failed, and is still to be rolled back
	broken     bool // messages may be left on the connection: it must not be used again
}

// failedTransaction is the status of a transaction that can only be rolled back (PostgreSQL, 55.7, ReadyForQuery).
const failedTransaction = 'E'

// awaited is a Parse under way, or a Sync.
type awaited struct {
	name string
	sync bool
}

// sessionKey finds the session of a connection in its custom data.
const sessionKey = "mcp-postgres"

func sessionOf(pc *pgconn.PgConn, p *pooler) *session {
	s, ok := pc.CustomData()[sessionKey].(*session)
	if !ok {
		s = &session{pc: pc, fe: pc.Frontend(), prepared: map[string]bool{}, stale: map[string]bool{}, pooler: p,
			pid: pc.PID(), citus: true}
		pc.CustomData()[sessionKey] = s
	}
	if s.pooled = p.found.Load(); s.pooled {
		s.pid = 0
	}
	return s
}

// named is the name that a statement gets: none behind a pooler, where it would stay on a connection of others.
func (s *session) named(name string) string {
	if s.pooled {
		return ""
	}
	return name
}

// parse queues a Parse, unless name is already prepared on this connection, or about to be. The empty name is always
// parsed.
func (s *session) parse(name, sql string) {
	name = s.named(name)
	if s.stale[name] {
		s.fe.SendClose(&pgproto3.Close{ObjectType: 'S', Name: name})
		delete(s.stale, name)
		delete(s.prepared, name)
	}
	if name != "" && (s.prepared[name] || slices.Contains(s.parsing, awaited{name: name})) {
		return
	}
	s.fe.SendParse(&pgproto3.Parse{Name: name, Query: sql})
	s.parsing = append(s.parsing, awaited{name: name})
}

// execute queues Bind and Execute; values and results are text. A maxRows of zero is no limit.
func (s *session) execute(name string, args [][]byte, maxRows int, describe bool) {
	s.fe.SendBind(&pgproto3.Bind{PreparedStatement: s.named(name), Parameters: args})
	if describe {
		s.fe.SendDescribe(&pgproto3.Describe{ObjectType: 'P'})
	}
	s.fe.SendExecute(&pgproto3.Execute{MaxRows: uint32(maxRows)})
}

func (s *session) describe(name string) {
	s.fe.SendDescribe(&pgproto3.Describe{ObjectType: 'S', Name: s.named(name)})
}

func (s *session) sync() {
	s.fe.SendSync(&pgproto3.Sync{})
	s.parsing = append(s.parsing, awaited{sync: true})
}

// fixed queues one of the statements above.
func (s *session) fixed(name, sql string, args ...[]byte) {
	s.parse(name, sql)
	s.execute(name, args, 0, false)
	s.queued++
}

// statementName names a kept statement by its text.
func statementName(sql string) string {
	h := fnv.New64a()
	h.Write([]byte(sql))
	return "mcp_" + strconv.FormatUint(h.Sum64(), 36)
}

func (s *session) flush() error {
	if err := s.fe.Flush(); err != nil {
		s.broken = true
		return &lostError{cause: err, unheard: s.heard == 0, uncommitted: !s.committing || s.ready == 0}
	}
	return nil
}

// next gives the next message that matters. An ErrorResponse is a message; a lost connection, a message over the
// limit and COPY are errors after which the connection is of no use.
func (s *session) next() (pgproto3.BackendMessage, error) {
	for {
		msg, err := s.pc.ReceiveMessage(context.Background())
		if err != nil {
			s.broken = true
			return nil, s.receiveError(err)
		}
		s.heard++
		if matters, err := s.note(msg); err != nil {
			s.broken = true
			return nil, err
		} else if matters {
			return msg, nil
		}
	}
}

// note keeps what a message says of the session. The others matter to who runs a call.
func (s *session) note(msg pgproto3.BackendMessage) (matters bool, err error) {
	switch msg := msg.(type) {
	case *pgproto3.ParseComplete:
		s.parseDone()
	case *pgproto3.ReadyForQuery:
		s.ready++
		s.asked = false
		s.failed = msg.TxStatus == failedTransaction
		s.syncDone()
		return true, nil
	case *pgproto3.DataRow:
		if !s.asked {
			return true, nil
		}
		s.asked = false
		s.pid = parseOID(string(msg.Values[len(msg.Values)-1]))
	case *pgproto3.CopyInResponse, *pgproto3.CopyOutResponse, *pgproto3.CopyBothResponse:
		return false, &Error{Code: "0A000", Message: "COPY to or from the client is not possible in a tool call",
			Hint: "use SELECT or INSERT", givenUp: true}
	case *pgproto3.NoticeResponse:
		s.heard--
		if !s.notices.add(msg) {
			return false, &Error{Code: "54000", Message: fmt.Sprintf("the statement sends more than %d bytes of notices",
				maxMessage), givenUp: true}
		}
	case *pgproto3.ParameterStatus, *pgproto3.NotificationResponse:
		s.heard-- // they come at any time
	case *pgproto3.CloseComplete:
	case *pgproto3.BindComplete:
		s.binds++
	case *pgproto3.CommandComplete, *pgproto3.PortalSuspended:
		s.commands++
		return true, nil
	default:
		return true, nil
	}
	return false, nil
}

func (s *session) parseDone() {
	if len(s.parsing) == 0 || s.parsing[0].sync {
		return
	}
	if name := s.parsing[0].name; name != "" {
		s.prepared[name] = true
	}
	s.parsing = s.parsing[1:]
}

// syncDone forgets the Parse messages that an error made the server skip.
func (s *session) syncDone() {
	for i, p := range s.parsing {
		if p.sync {
			s.parsing = s.parsing[i+1:]
			return
		}
	}
}

// ended reads the answer to the flight that ends a transaction and gives the error of the end itself. The error of a
// reset behind it can't undo what is committed.
func (s *session) ended() error {
	done := false
	var failed error
	for {
		msg, err := s.next()
		if err != nil {
			return err
		}
		switch msg := msg.(type) {
		case *pgproto3.CommandComplete:
			done = true
		case *pgproto3.ErrorResponse:
			if !done {
				failed = serverError(msg)
			} else {
				s.pooler.log.Warn("a server connection of the pooler was not reset", "error", serverError(msg))
			}
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// description reads the answer to Parse and Describe.
func (s *session) description() (oids []uint32, fields []pgproto3.FieldDescription, failed error) {
	for {
		msg, err := s.next()
		if err != nil {
			return nil, nil, err
		}
		switch msg := msg.(type) {
		case *pgproto3.ParameterDescription:
			oids = append(oids, msg.ParameterOIDs...)
		case *pgproto3.RowDescription:
			for _, f := range msg.Fields {
				f.Name = append([]byte(nil), f.Name...)
				fields = append(fields, f)
			}
		case *pgproto3.ErrorResponse:
			e := serverError(msg)
			if failed = e; s.pooled && carriedSetting(e) != nil {
				failed = carriedSetting(e)
			}
		case *pgproto3.ReadyForQuery:
			return oids, fields, failed
		}
	}
}

// answer reads the rows of a small flight up to its end.
func (s *session) answer() ([][]string, error) {
	var rows [][]string
	var failed error
	for {
		msg, err := s.next()
		if err != nil {
			return nil, err
		}
		switch msg := msg.(type) {
		case *pgproto3.DataRow:
			row := make([]string, len(msg.Values))
			for i, v := range msg.Values {
				row[i] = string(v)
			}
			rows = append(rows, row)
		case *pgproto3.ErrorResponse:
			failed = serverError(msg)
		case *pgproto3.ReadyForQuery:
			return rows, failed
		}
	}
}

// sent sends what is queued, and reads the answer up to the first Sync.
func (s *session) sent() ([][]string, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	return s.answer()
}

// ask runs one of our own statements between two flights; NULL reads as "".
func (s *session) ask(name, sql string, args ...[]byte) ([][]string, error) {
	s.fixed(name, sql, args...)
	s.sync()
	return s.sent()
}

// query is ask under a name of its own: the unnamed statement may be the caller's, parsed and not yet run.
func (s *session) query(sql string, args ...[]byte) ([][]string, error) {
	return s.ask(statementName(sql), sql, args...)
}

// The memory that callers' statements leave in a backend, such as the types of rows that they made up and the catalogue
// entries that they looked for, stays until its end: no reset frees it. Few logins may ask how much it is, so that a
// connection is given up after so many statements, or after so much time at them: a new one costs some 10 ms.
const (
	maxUntrusted = 1000
	maxBusy      = 10 * time.Second
)

// worn reports whether the backend has run enough of callers' statements.
func (s *session) worn() bool { return s.untrusted >= maxUntrusted || s.busy >= maxBusy }

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

// finishReset reads the answer to the reset. Where it names prepared statements that are not ours, or that ours are
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

// receiveError describes the end of a connection. Without a COMMIT sent nothing is committed. Where it was sent with
// the statement, the server answers all that stands before it first. Without such an answer nothing is committed
// either, if it is the server that ended the connection: it says so, as one that shuts down does, or nothing is
// between. A pooler or a proxy may have lost the answer.
func (s *session) receiveError(err error) error {
	var big *pgproto3.ExceededMaxBodyLenErr
	if errors.As(err, &big) {
		return &Error{
			Code: "54000", Message: fmt.Sprintf("one row or message of %d bytes is larger than the limit of %d bytes",
				big.ActualBodyLen, maxMessage),
			Hint: "select fewer or shorter values, for example with left(column, 1000)", givenUp: true,
		}
	}
	var last *pgconn.PgError
	farewell := errors.As(err, &last)
	if farewell && last.Code == "08P01" && strings.Contains(last.Message, "statement pooling mode") {
		return errStatementMode
	}
	ended := farewell || s.direct && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
	uncommitted := !s.committing || s.ready == 0 && ended && !s.pooled
	return &lostError{cause: err, unheard: farewell && s.heard == 0 && uncommitted, queued: s.asked,
		uncommitted: uncommitted}
}

// Bounds of the notices that a call keeps.
const (
	maxNotices      = 20
	maxNotice       = 500  // bytes of one
	maxNoticesBytes = 4000 // of all
)

// notices are what PostgreSQL says during a call beside its answer.
type notices struct {
	own  bool // keep only those of PostgreSQL's own commands
	sent int  // bytes of all that came
	kept []string
	size int // bytes of kept
	more int // how many were left out
}

// add reports whether there are not too many.
func (n *notices) add(m *pgproto3.NoticeResponse) bool {
	n.sent += len(m.Message) + len(m.Detail) + len(m.Hint) + len(m.Where)
	if n.sent > maxMessage {
		return false
	}
	text := noticeText(m, n.own)
	switch {
	case text == "":
	case n.more > 0 || len(n.kept) == maxNotices || n.size+len(text) > maxNoticesBytes:
		n.more++
	default:
		n.kept, n.size = append(n.kept, text), n.size+len(text)
	}
	return true
}

// noticeText is what a caller reads of a notice; empty for one that is left out. DEBUG and LOG are for the operator.
// Where only PostgreSQL's own count, a notice must have the SQLSTATE of a command that did less than it says, and come
// from the statement itself: RAISE and its like may quote rows that the caller may not read.
func noticeText(m *pgproto3.NoticeResponse, own bool) string {
	severity := cmp.Or(m.SeverityUnlocalized, m.Severity)
	if severity != "NOTICE" && severity != "WARNING" && severity != "INFO" {
		return ""
	}
	text := severity + ": " + m.Message
	if own {
		shown := m.Where == "" && (strings.HasPrefix(m.Code, "42") || strings.HasPrefix(m.Code, "01") && m.Code != "01000")
		if !shown {
			return ""
		}
		return cut(text, maxNotice)
	}
	if m.Detail != "" {
		text += " (" + m.Detail + ")"
	}
	if m.Hint != "" {
		text += " Hint: " + m.Hint
	}
	return cut(text, maxNotice)
}

// list gives the notices, and at its end how many more there were.
func (n *notices) list() []string {
	if n.more == 0 {
		return n.kept
	}
	return append(n.kept[:len(n.kept):len(n.kept)], "and "+strconv.Itoa(n.more)+" more")
}
