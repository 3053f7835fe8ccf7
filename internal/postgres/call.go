package postgres

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"mcp-postgres/internal/pgtext"
)

// Call is one statement, or several, to run in a transaction of its own.
type Call struct {
	// SQL is exactly one statement; the protocol refuses more.
	SQL string
	// Args are the values of $1, $2, ... in PostgreSQL's text form; nil is NULL.
	Args [][]byte
	// Bind, if set, is given the types that PostgreSQL infers for $1, $2, ... and makes Args. It costs a round trip.
	Bind func([]*Type) ([][]byte, error)
	// Prepare keeps the statement prepared on each connection. It is for SQL from files, never for SQL from callers.
	Prepare bool
	// GenericPlan plans a prepared statement once, whatever its values. Otherwise PostgreSQL compares plans, and may plan
	// each call.
	GenericPlan bool
	// Untrusted is SQL from a caller: the session is reset before the next call, unless ProvenClean is set.
	Untrusted bool
	// LeavesState says that SQL from a file can leave something in the session: the session is reset as well.
	LeavesState bool
	// Write runs read-write and commits; without it the transaction is READ ONLY and is rolled back.
	Write bool
	// Rollback undoes a write at its end, for tests of tools.
	Rollback bool
	// Together sends the COMMIT of a write with the statement, which saves a round trip. It is for what by its text only
	// reads, but may call a function that writes: an error that comes too late then says that something may have been
	// committed.
	Together bool
	// Answer, if set, makes the answer, after the last row has gone to the Sink. A write is committed after it, unless it
	// gives an error or panics; Run gives that error. It must not run another call: a write holds the connection.
	Answer func(Outcome) error
	// MaxRows is the maximum number of rows given to the Sink; zero is no limit. The statement is not run further than one
	// row more, except a write: it runs to its end, so that the number of rows it affected is known.
	MaxRows int
	// MaxAffected rolls a write back that touches more rows; zero is no limit.
	MaxAffected int
	// Timeout bounds the statement where it is shorter than the DB's; zero means the DB's.
	Timeout time.Duration
	// Identity, if set, is put into the transaction before the statement, in the same flight.
	Identity *SessionIdentity
	// Verify, if set, is checked before the statement, in the same flight, with the search path and role of Identity: the
	// call ends with ErrChanged, nothing executed, when a name no longer stands for its OID.
	Verify *Verify
	// Application, if set, is the application_name during the call, for the database's log and pg_stat_activity. It costs
	// a statement in the same flight.
	Application string
	// ProvenClean says that an Untrusted statement is proven to leave nothing in the session, which then needs no reset.
	ProvenClean bool
	// Turn, if set, is kept while a backend works on the call. Tool names what was called, for the log.
	Turn Turn
	Tool string
	// Then are statements that run after this one, with what else the call says. Where one of a read fails, the answers of
	// those before it are made all the same; a write is undone as a whole. Bind, Prepare and MaxAffected are for a call of
	// one statement.
	Then []Then
	// OwnNotices keeps of the notices only those that PostgreSQL's own commands give: others may quote data.
	OwnNotices bool

	// describe, if set, is filled in instead of running the statement.
	describe *Description
}

// Then is a further statement of a Call. The identity of the call is set anew before it: nothing that another statement
// has set holds.
type Then struct {
	SQL     string
	Args    [][]byte
	Verify  *Verify
	Sink    Sink
	Answer  func(Outcome) error
	MaxRows int
}

// twoFlights reports a write whose end is sent once its answer has been made.
func (c *Call) twoFlights() bool { return c.Write && (!c.Together || c.MaxAffected > 0) }

// commits reports that what the call does is to stay.
func (c *Call) commits() bool { return c.Write && !c.Rollback }

// leaves reports that something may be left in the session.
func (c *Call) leaves() bool { return c.LeavesState || c.Untrusted && !c.ProvenClean }

// Outcome is what a statement came to.
type Outcome struct {
	// Command is the first word of the command tag, such as SELECT or UPDATE; empty when the rows were cut.
	Command string
	// Affected is the number of rows in the command tag.
	Affected int64
	// HasRows reports a statement that gives rows, even none.
	HasRows bool
	// Rows is the number of rows given to the Sink; More reports that there are others.
	Rows int
	More bool
	// Notices are what PostgreSQL said beside the answer, such as NOTICE: table "x" does not exist, skipping; a few short
	// ones. Answer does not get them, for the COMMIT may add to them.
	Notices []string
}

// Column is one column of an answer.
type Column struct {
	Name string
	Type *Type
	// Comment is the comment of the table column behind it; only Describe fills it in.
	Comment string
}

// Sink takes the rows of an answer. Columns is called once, before any row; it is not called for a statement without
// rows. The values of Row are PostgreSQL's text, nil for NULL, and are valid until Row returns; a false stops the rows.
type Sink interface {
	Columns([]Column)
	Row([][]byte) bool
}

// EachRow is a Sink that calls the function with each row.
type EachRow func(values [][]byte)

// Columns implements Sink.
func (EachRow) Columns([]Column) {}

// Row implements Sink.
func (f EachRow) Row(values [][]byte) bool { f(values); return true }

// SessionIdentity is what a transaction carries of its caller. It is put in before the statement, for this transaction
// alone.
type SessionIdentity struct {
	// SearchPath is the search path, as SET search_path takes it; an empty one finds only what is in pg_catalog.
	SearchPath string
	// KeepPath leaves the search path of the login in force; SearchPath then means nothing.
	KeepPath bool
	// Claims, Sub and Role are read by current_setting('request.jwt.claims'), ('mcp.sub') and ('mcp.role').
	Claims, Sub, Role string
	// DatabaseRole is the role that the statement runs as; empty stays with the login.
	DatabaseRole string
}

// Verify holds the names that a decision about the statement was based on.
type Verify struct {
	// Names are names of relations as SQL writes them; OIDs, of the same length, are what they must stand for.
	Names []string
	OIDs  []uint32
}

// ErrChanged is the answer to a call whose Verify no longer holds. Nothing was executed.
var ErrChanged = errors.New("a name in the statement no longer stands for what it did")

// check refuses a SessionIdentity that can't be written as SQL.
func (id *SessionIdentity) check() error {
	if id == nil {
		return nil
	}
	for _, text := range []string{id.SearchPath, id.Claims, id.Sub, id.Role, id.DatabaseRole} {
		if !validText(text) {
			return &Error{Code: "22021",
				Message: "the identity of this caller holds a zero byte or is no UTF-8, which PostgreSQL has no text for"}
		}
	}
	_, err := quotedNames(id.SearchPath)
	if err != nil || strings.EqualFold(id.DatabaseRole, "none") { // which means no role
		return &Error{Code: "22023", Message: refusedIdentity}
	}
	return nil
}

const refusedIdentity = "the database refuses the database role or the schemas of this caller"

// What a call sets for its statement travels as SET LOCAL, which holds wherever the statement runs: pgpool sends it to
// each of its nodes, Citus to the workers. A SELECT set_config(...) would hold only where that SELECT went, and pgpool
// may send the statement elsewhere.

// setting is a statement that sets one value. It is prepared under its name; without one it is parsed for each call, as
// all are whose text depends on the caller.
type setting struct{ name, sql string }

// setLocal sets a value for the transaction. Both must have passed validText, and a list of names quotedNames.
func setLocal(name, value string) string {
	if listOfNames(name) {
		value, _ = quotedNames(value)
		return "SET LOCAL " + name + " = " + value
	}
	return "SET LOCAL " + pgtext.Identifier(name) + " = " + pgtext.Literal(value)
}

// listOfNames reports the settings whose value is a list of identifiers: one constant would be one name.
func listOfNames(name string) bool { return name == "search_path" || name == "temp_tablespaces" }

// validText reports text that PostgreSQL can take: a zero byte would end the statement, and bytes that are no UTF-8
// could be taken for others in another encoding.
func validText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// quotedNames reads a list of identifiers as PostgreSQL reads search_path, and writes each as a string constant. No
// name at all is the empty one, which nothing has.
func quotedNames(list string) (string, error) {
	names, err := PathNames(list)
	if err != nil {
		return "", err
	}
	if names == nil {
		return "''", nil
	}
	for i, name := range names {
		names[i] = pgtext.Literal(name)
	}
	return strings.Join(names, ", "), nil
}

// PathNames reads a search path as PostgreSQL does, and gives its names as they are.
func PathNames(list string) ([]string, error) {
	const space = " \t\n\r\f\v"
	var names []string
	rest := strings.Trim(list, space)
	for rest != "" || names != nil {
		name, after, err := nextName(rest)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		rest = strings.TrimLeft(after, space)
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, errNames
		}
		rest = strings.TrimLeft(rest[1:], space)
	}
	return names, nil
}

var errNames = errors.New("want identifiers, separated by commas")

// nextName takes one identifier; one without quotes is in lower case, of which PostgreSQL knows only ASCII's here.
func nextName(list string) (name, rest string, err error) {
	if !strings.HasPrefix(list, `"`) {
		end := strings.IndexAny(list, ", \t\n\r\f\v")
		if end < 0 {
			end = len(list)
		}
		if end == 0 {
			return "", "", errNames
		}
		lower := func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}
		return strings.Map(lower, list[:end]), list[end:], nil
	}
	for end := 1; end < len(list); end++ {
		switch {
		case list[end] != '"':
		case strings.HasPrefix(list[end:], `""`):
			end++
		default:
			return pgtext.Unquote(list[:end+1]), list[end+1:], nil
		}
	}
	return "", "", errNames
}

// limitsOf bounds a call by its time limit: the statement, its waits for locks, and the transaction when its client has
// gone silent. Names are given only to the limits that most calls have.
func limitsOf(timeout time.Duration, named bool) []setting {
	limits := make([]setting, 0, 3)
	for _, limit := range []struct {
		name string
		d    time.Duration
	}{
		{"statement_timeout", timeout}, {"lock_timeout", min(timeout, maxLockWait)},
		{"idle_in_transaction_session_timeout", timeout + cancelGrace},
	} {
		// At least 1: 0 would mean no limit.
		one := setting{"", "SET LOCAL " + limit.name + " = " + strconv.FormatInt(max(limit.d.Milliseconds(), 1), 10)}
		if named {
			one.name = "mcp_" + limit.name
		}
		limits = append(limits, one)
	}
	return limits
}

var (
	genericPlan = setting{"mcp_generic_plan", "SET LOCAL plan_cache_mode = force_generic_plan"}
	// rawText: a database without an encoding would refuse to send what is no UTF-8.
	rawText = setting{"mcp_raw_text", "SET LOCAL client_encoding = 'SQL_ASCII'"}
	// propagate has Citus hand SET LOCAL on to its workers. It is sent first. PostgreSQL takes it for a setting of
	// somebody else.
	propagate = setting{"mcp_propagate", "SET LOCAL citus.propagate_set_commands = 'local'"}
	// snapshot takes one, so that a SET TRANSACTION READ WRITE comes too late. Behind a pooler its answer is the number of
	// the backend, which is wanted before the statement has ended: for one that does not end.
	snapshot       = setting{"mcp_snapshot", "SELECT"}
	snapshotPooled = setting{"", "SELECT pg_catalog.pg_backend_pid()"}
)

// The statements around a call. They are prepared once on each connection.
const (
	beginRead  = "BEGIN READ ONLY"
	beginWrite = "BEGIN READ WRITE"
	rollback   = "ROLLBACK"
	commit     = "COMMIT"
	// application is for the log of the node that it comes to; a text per trace would fill pg_stat_statements.
	application = "SELECT pg_catalog.set_config('application_name', $1, true)"

	maxLockWait = 10 * time.Second
)

// boundClaims sets what differs from caller to caller without a text for each: pg_stat_statements before 18 keeps every
// text of a SET.
const boundClaims = "SELECT pg_catalog.set_config('request.jwt.claims', $1, true), pg_catalog.set_config('mcp.sub', " +
	"$2, true), pg_catalog.set_config('mcp.role', $3, true)"

// verify raises codeChanged when a name has another meaning. Its operators are pg_catalog's, whatever the search path.
const verify = "SELECT 1 OPERATOR(pg_catalog./) CASE WHEN EXISTS (SELECT FROM ROWS FROM " +
	"(pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.oid[])) AS v (name, oid) WHERE " +
	"(pg_catalog.to_regclass(v.name)::pg_catalog.oid OPERATOR(pg_catalog.=) v.oid) IS NOT TRUE) THEN 0 ELSE 1 END"

// codeChanged is division_by_zero.
const codeChanged = "22012"

// begin queues the start of the transaction, up to the call's own statement.
func (s *session) begin(c *Call, timeout time.Duration) {
	s.notices, s.queued = notices{own: c.OwnNotices}, 0
	if c.Write {
		s.fixed("mcp_begin_write", beginWrite)
	} else {
		s.fixed("mcp_begin_read", beginRead)
	}
	s.setSession()
	s.setLimits(timeout)
	if c.GenericPlan {
		s.set(genericPlan)
	}
	switch {
	case s.pooled:
		s.set(snapshotPooled)
		s.fe.Send(&pgproto3.Flush{})
		s.asked = true
	case c.Identity == nil || !s.bound(): // else its own SELECT takes one
		s.set(snapshot)
	}
	s.identify(c)
}

// identify queues what a statement is run with: the identity of the call, and the check of its names.
func (s *session) identify(c *Call) {
	s.identity = s.queued
	s.setIdentity(c.Identity)
	s.identified = s.queued
	switch {
	case c.Application == "" || !validText(c.Application):
	case s.maySet:
		s.fixed("mcp_application", application, []byte(c.Application))
	default:
		s.set(setting{"", setLocal("application_name", c.Application)})
	}
	if c.Verify != nil {
		s.fixed("mcp_verify", verify, pgtext.Array(c.Verify.Names), pgtext.OIDs(c.Verify.OIDs))
	}
}

// setSession queues what else a session would have for good. The nodes of Citus have sessions of their own.
func (s *session) setSession() {
	if s.pooled || s.citus {
		s.set(propagate)
		s.set(s.pooler.carried...)
	}
	if s.pc.ParameterStatus("server_encoding") == "SQL_ASCII" {
		s.set(rawText)
	}
}

func (s *session) setLimits(timeout time.Duration) {
	if timeout == s.pooler.timeout {
		s.set(s.pooler.limits...)
	} else {
		s.set(limitsOf(timeout, false)...)
	}
}

// bound reports that the transaction is certain to stay on one backend, which runs the statement by itself: a SELECT
// holds for it as well as a SET LOCAL.
func (s *session) bound() bool {
	return s.maySet && !s.citus && (s.direct && !s.pooled || s.pooled && s.pooler.pins.Load())
}

// setIdentity queues the settings of an identity. The role comes last: what is set before it needs no right of its own.
func (s *session) setIdentity(id *SessionIdentity) {
	if id == nil {
		return
	}
	if !id.KeepPath {
		s.setKnown("search_path", id.SearchPath)
	}
	if s.bound() {
		s.fixed("mcp_claims", boundClaims, []byte(id.Claims), []byte(id.Sub), []byte(id.Role))
	} else {
		s.set(setting{"", setLocal("request.jwt.claims", id.Claims)}, setting{"", setLocal("mcp.sub", id.Sub)})
		s.setKnown("mcp.role", id.Role)
	}
	if id.DatabaseRole != "" {
		s.setKnown("role", id.DatabaseRole)
	}
}

// mostPrepared bounds the statements that are prepared for settings of roles and search paths: there are few of those.
const mostPrepared = 200

// setKnown queues a setting that many calls have, which is kept prepared.
func (s *session) setKnown(name, value string) {
	one := setting{"", setLocal(name, value)}
	if key := statementName(one.sql); s.prepared[key] || len(s.prepared) < mostPrepared {
		one.name = key
	}
	s.set(one)
}

// set queues settings.
func (s *session) set(all ...setting) {
	for _, one := range all {
		s.fixed(one.name, one.sql)
	}
}

// resetRead throws away what can outlive a transaction that was rolled back: advisory locks of the session and prepared
// statements, and the seed of random(). Its answer has a row for each prepared statement: those made by PREPARE, and
// ours, which DEALLOCATE may have removed. Every session has some of ours by then, so that there is a row, and the
// locks go.
const resetRead = "SELECT pg_catalog.pg_advisory_unlock_all(), from_sql, pg_catalog.setseed($1) FROM " +
	"pg_catalog.pg_prepared_statement()"

// seed is a new one, for setseed.
func seed() []byte { return strconv.AppendFloat(nil, rand.Float64(), 'f', -1, 64) }

// resetWrite throws away, before that, what a commit can leave: together they are DISCARD ALL without the loss of our
// own prepared statements.
var resetWrite = [...]string{"CLOSE ALL", "RESET SESSION AUTHORIZATION", "RESET ALL", "UNLISTEN *", "DISCARD TEMP",
	"DISCARD SEQUENCES"}

// unlockPooled and deallocatePooled are the reset behind a pooler, where pg_prepared_statements holds what PREPARE left
// but none of ours.
const (
	unlockPooled     = "SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed($1)"
	deallocatePooled = `DO $$ DECLARE name pg_catalog.text; BEGIN FOR name IN
  SELECT p.name FROM pg_catalog.pg_prepared_statements p WHERE p.from_sql LOOP
  EXECUTE pg_catalog.format('DEALLOCATE %I', name); END LOOP; END $$`
)

// constraints runs the deferred constraints, whose failure at COMMIT would skip the reset behind it.
const constraints = "SET CONSTRAINTS ALL IMMEDIATE"

// end queues the end of the transaction. After a caller's SQL it queues the reset too, whose answer putBack waits for;
// no statement there has a name, for the caller's SQL may have put another statement under any name.
func (s *session) end(keep, reset bool) {
	sql := rollback
	if keep {
		sql, s.committing = commit, true
	}
	if !reset {
		s.fixed(statementName(sql), sql)
		s.sync()
		return
	}
	s.fixed("", sql)
	if !s.pooled {
		s.sync()
	}
	if keep {
		for _, sql := range resetWrite {
			s.fixed("", sql)
		}
	}
	if s.pooled { // until the Sync is answered, the pooler leaves the server connection to us
		s.fixed("", unlockPooled, seed())
		s.fixed("", deallocatePooled)
	} else {
		s.fixed("", resetRead, seed())
		s.resetting = true
	}
	s.sync()
}
