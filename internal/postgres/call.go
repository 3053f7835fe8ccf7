package postgres

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

// Call is one statement to run in a transaction of its own.
type Call struct {
	// SQL is exactly one statement; the protocol refuses more.
	SQL string
	// Args are the values of $1, $2, ... in PostgreSQL's text form; nil is NULL.
	Args [][]byte
	// Bind, if set, is given the types that PostgreSQL infers for $1, $2, ... and makes Args. It costs a round trip.
	Bind func([]*Type) ([][]byte, error)
	// Keep leaves the statement prepared on the connection. It is for SQL from files, never for SQL from callers.
	Keep bool
	// Generic plans a kept statement once, whatever its values; PostgreSQL would otherwise compare plans, and may plan each
	// time anew.
	Generic bool
	// Foreign is SQL from a caller: whatever it leaves in the session is thrown away before the next call.
	Foreign bool
	// Leaves says that SQL that is not foreign can leave something in the session too: it is thrown away as well.
	Leaves bool
	// Write runs read-write and commits; without it the transaction is READ ONLY and is rolled back.
	Write bool
	// Rollback undoes a write, as a test wants it.
	Rollback bool
	// Together sends the COMMIT of a write with the statement, which saves a round trip. It is for what by its text only reads,
	// but may call a function that writes: an error that comes too late then says that something may have been committed.
	Together bool
	// Answer, if set, makes the answer, once the rows have been handed on. A write is committed after it, unless it gives an
	// error or panics; Run gives that error. It must not run another call: a write holds the connection.
	Answer func(Outcome) error
	// MaxRows is the most rows handed on; zero is no limit. The statement is not run further than one row more, except a
	// write: it runs to its end, so that the number of rows it affected is known.
	MaxRows int
	// MaxAffected rolls a write back that touches more rows; zero is no limit.
	MaxAffected int
	// Timeout bounds the statement where it is shorter than the DB's; zero means the DB's.
	Timeout time.Duration
	// Identity, if set, is put into the transaction before the statement, in the same flight.
	Identity *Identity
	// Verify, if set, is checked before the statement, in the same flight, with the search path and role of Identity: the
	// call ends with ErrChanged, nothing executed, when a name no longer stands for its OID.
	Verify *Verify
	// Application, if set, is the application_name during the call, for the database's log and pg_stat_activity. It costs a
	// statement in the same flight.
	Application string
	// Clean says that a Foreign statement provably leaves nothing in the session: nothing is thrown away after it.
	Clean bool
	// OwnNotices keeps of the notices only those that PostgreSQL's own commands give: others may quote data.
	OwnNotices bool
}

// twoFlights reports a write whose end is sent once its answer has been made.
func (c *Call) twoFlights() bool { return c.Write && (!c.Together || c.MaxAffected > 0) }

// commits reports that what the call does is to stay.
func (c *Call) commits() bool { return c.Write && !c.Rollback }

// leaves reports that something may be left in the session.
func (c *Call) leaves() bool { return c.Leaves || c.Foreign && !c.Clean }

// Outcome is what a statement came to.
type Outcome struct {
	// Command is the first word of the command tag, such as SELECT or UPDATE; empty when the rows were cut.
	Command string
	// Affected is the number of rows in the command tag.
	Affected int64
	// HasRows reports a statement that gives rows, even none.
	HasRows bool
	// Rows were handed on; More reports that there are others.
	Rows int
	More bool
	// Notices are what PostgreSQL said beside the answer, such as NOTICE: table "x" does not exist, skipping; a few short ones.
	// Answer does not get them, for the COMMIT may add to them.
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

// resetRead throws away what can outlive a transaction that was rolled back: advisory locks of the session and prepared
// statements, and the seed of random(). Its answer tells of the statements, a row for each: those made by PREPARE, and ours,
// which DEALLOCATE may have removed. Every session has some of ours by then, so that there is a row, and the locks go.
const resetRead = "SELECT pg_catalog.pg_advisory_unlock_all(), from_sql, pg_catalog.setseed($1) FROM pg_catalog.pg_prepared_statement()"

// seed is a new one, for setseed.
func seed() []byte { return strconv.AppendFloat(nil, rand.Float64(), 'f', -1, 64) }

// resetWrite throws away, before that, what a commit can leave: together they are DISCARD ALL without the loss of our own
// prepared statements.
var resetWrite = [...]string{"CLOSE ALL", "RESET SESSION AUTHORIZATION", "RESET ALL", "UNLISTEN *", "DISCARD TEMP", "DISCARD SEQUENCES"}

// statementName names a kept statement by its text.
func statementName(sql string) string {
	h := fnv.New64a()
	h.Write([]byte(sql))
	return "mcp_" + strconv.FormatUint(h.Sum64(), 36)
}

// fixed queues one of the statements above.
func (s *session) fixed(name, sql string, args ...[]byte) {
	s.parse(name, sql)
	s.execute(name, args, 0, false)
	s.queued++
}

// end queues the end of the transaction. After a caller's SQL it queues the reset too, whose answer put waits for; no
// statement there has a name, for the caller's SQL may have put another statement under any name.
func (s *session) end(keep, foreign bool) {
	sql := rollback
	if keep {
		sql, s.committing = commit, true
	}
	if !foreign || s.pooled {
		s.fixed(statementName(sql), sql)
		if foreign {
			s.resetPooled(keep)
		}
		s.sync()
		return
	}
	s.fixed("", sql)
	s.sync()
	if keep {
		for _, sql := range resetWrite {
			s.fixed("", sql)
		}
	}
	s.fixed("", resetRead, seed())
	s.sync()
	s.resetting = true
}
