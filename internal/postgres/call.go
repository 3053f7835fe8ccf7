package postgres

import (
	"errors"
	"strings"
	"time"
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
