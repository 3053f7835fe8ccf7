package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"mcp-postgres/internal/pgtext"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// ErrNoDatabase is the answer of a DB without a connection string.
var ErrNoDatabase = errors.New("no database is configured")

// Unavailable is a database that can't be reached or refuses the login. Reason says why in a text for callers
// of tools: it holds no host, user or password.
type Unavailable struct {
	Reason string
	cause  error
}

func (e *Unavailable) Error() string { return e.Reason }

// Unwrap gives the driver's error, for the log.
func (e *Unavailable) Unwrap() error { return e.cause }

// maxErrorText bounds the texts of an error that a caller gets, in bytes: with its SQLSTATE they stay within 1 KiB.
const maxErrorText = 1000

// Error is an error of PostgreSQL, or of the engine in its form.
type Error struct {
	// Statement is which one of the call it is about, from 0.
	Statement int
	// Code is the SQLSTATE (PostgreSQL, Appendix A).
	Code string
	// Message and Hint together are at most 1 KiB. DETAIL is left out: it can quote data that the caller may not read.
	Message, Hint string
	// Position is the 1-based character in the statement, zero if unknown.
	Position int
	// Parameter is the number n of the $n whose value does not fit, zero if the error is another.
	Parameter int
	// Schema and Table name the table of a constraint that is violated; of a domain's, Schema alone is set.
	Schema, Table string
	// Retryable means that the same call may work later.
	Retryable bool
	// Running says that PostgreSQL raised it when the statement ran, with values of tables: its text can hold some.
	Running bool

	// givenUp: the rest of the answer was not read, and the connection is closed.
	givenUp bool
}

func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

func serverError(m *pgproto3.ErrorResponse) *Error {
	e := &Error{Code: m.Code, Message: cut(m.Message, maxErrorText), Position: int(m.Position),
		Schema: m.SchemaName, Table: m.TableName, Retryable: retryableCode(m.Code)}
	e.Hint = cut(m.Hint, maxErrorText-len(e.Message))
	return e
}

// retryableCode: serialization failure, deadlock, lock not available, query canceled by the operator, too many
// connections, and the server shutting down or starting.
func retryableCode(code string) bool {
	switch code {
	case "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03":
		return true
	}
	return strings.HasPrefix(code, "08") && code != "08P01" // a protocol violation stays one
}

// cut shortens s to at most n bytes at a character's edge and says so, if there is room for that.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = "... (cut)"
	if n -= len(mark); n < 0 {
		return ""
	}
	return pgtext.Cut(s, n) + mark
}

// connectError turns a failure to get a connection into Unavailable, or an Error where the pool is at fault.
func connectError(ctx context.Context, err error) error {
	var own *Error
	var pe *pgconn.PgError
	var ce *pgconn.ConnectError
	var paused *pausedError
	var password *passwordError
	switch {
	case errors.As(err, &own): // of the look at a new connection
		return own
	case errors.As(err, &paused):
		down := connectError(ctx, paused.cause)
		if paused.wait == 0 {
			return down
		}
		reason := fmt.Sprintf("%v; it is not tried again for %v", down, max(paused.wait.Round(time.Second), time.Second))
		return &Unavailable{Reason: reason, cause: err}
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrReadWriteConnection),
		errors.Is(err, pgconn.ErrStandbyConnection), errors.Is(err, pgconn.ErrPrimaryConnection):
		return &Unavailable{Reason: "no server in the connection string is as target_session_attrs wants it", cause: err}
	case errors.As(err, &pe):
		return &Unavailable{Reason: refusal(pe), cause: err}
	case errors.As(err, &password):
		return &Unavailable{Reason: "the password of the login can't be had; the server's log says why", cause: err}
	case errors.As(err, &ce):
		return &Unavailable{Reason: cmp.Or(tlsReason(err), "the database can't be reached"), cause: err}
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: "53300", Message: "all connections to the database are busy", Hint: "try again in a moment",
			Retryable: true}
	}
	return &Unavailable{Reason: "the database can't be reached", cause: err}
}

// refusedLogin begins the codes of a login that is refused: invalid authorization specification.
const refusedLogin = "28"

// refusal describes a login that the server refuses, without the names in its message.
func refusal(pe *pgconn.PgError) string {
	switch {
	case certificateRefusal(pe) != "":
		return certificateRefusal(pe) + " (SQLSTATE " + pe.Code + ")"
	case pe.Code == "08P01" && strings.Contains(pe.Message, "startup parameter"):
		return "the connection pooler refuses a parameter of the connection string (SQLSTATE 08P01)"
	case strings.HasPrefix(pe.Code, refusedLogin):
		return "the database refuses the login (SQLSTATE " + pe.Code + ")"
	case pe.Code == "42704" || pe.Code == "22023":
		return refusedSetting(pe.Code, pe.Message)
	case pe.Code == "3D000":
		return "the database named in the connection string does not exist (SQLSTATE 3D000)"
	case pe.Code == "53300":
		return noConnection(pe.Routine) + " (SQLSTATE 53300)"
	case pe.Code == "57P03":
		return "the database is starting up or shutting down (SQLSTATE 57P03)"
	}
	return "the database refuses the connection (SQLSTATE " + pe.Code + ")"
}

// noConnection says whose limit a login has met, by the function of PostgreSQL that refused it: its message is in the
// language of the server, and has names.
func noConnection(routine string) string {
	switch routine {
	case "InitializeSessionUserId":
		return "the login has all the connections that its CONNECTION LIMIT allows, other processes count too"
	case "CheckMyDatabase":
		return "the database has all the connections that its CONNECTION LIMIT allows"
	}
	return "the database server has no connection left"
}

// refusedSetting describes a setting of the connection string that the database refuses. The database quotes what it
// does not know: a name that holds : or @ may be a part of a connection string that was taken apart in wrong places.
func refusedSetting(code, message string) string {
	text := "the database refuses a setting of the connection string, which only its operator can change"
	if !strings.ContainsAny(strings.Replace(message, `": "`, "", 1), ":@") {
		text += ": " + cut(message, 200)
	}
	return text + " (SQLSTATE " + code + ")"
}

// carriedSetting is Unavailable for an error before a call's own statement that is about a setting of the connection
// string: behind a pooler each call carries those. It is nil for any other error, and for the settings of a caller's
// identity.
func carriedSetting(e *Error) error {
	about := func(start string) bool { return strings.HasPrefix(e.Message, start) }
	if !about("unrecognized configuration parameter ") && !about("invalid value for parameter ") &&
		!about("invalid configuration parameter name ") ||
		strings.Contains(e.Message, `"role"`) || strings.Contains(e.Message, `"search_path"`) {
		return nil
	}
	return &Unavailable{Reason: refusedSetting(e.Code, e.Message), cause: e}
}

// lostError is a connection that ended under a call.
type lostError struct {
	cause error
	// unheard: the server had ended the connection before it looked at the call.
	unheard bool
	// uncommitted: the call may have begun, but its COMMIT was not reached.
	uncommitted bool
	// queued: it waited in a pooler, as far as is known.
	queued bool
}

func (e *lostError) Error() string { return fmt.Sprintf("connection lost: %v", e.cause) }

func (e *lostError) Unwrap() error { return e.cause }

// lostIn gives the lost connection that an error is about, if it is about one.
func lostIn(err error) *lostError {
	var lost *lostError
	if err == nil || !errors.As(err, &lost) {
		return nil
	}
	return lost
}

// errStatementMode: PgBouncer ends the transaction at its first answer, so that nothing of it stays.
var errStatementMode = &Error{Code: "08P01",
	Message: "the connection pooler is in statement mode, which allows no transactions, and every call is one: nothing " +
		"was executed",
	Hint: "only the operator can change this: pool_mode = transaction in PgBouncer, or a connection string that " +
		"bypasses it"}

// publicError rewrites the errors that come from the connection or the context, not from PostgreSQL.
func (db *DB) publicError(ctx context.Context, c *Call, err error) error {
	var e *Error
	switch lost := lostIn(err); {
	case lost != nil && c.commits() && !lost.uncommitted:
		return &Error{Code: "08007",
			Message: "the connection was lost while the statement ran: it may or may not have been committed", Hint: lookFirst}
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

// givenUp describes an answer that was not read to its end. With two flights the COMMIT was not sent.
func givenUp(e *Error, certain bool) (message, hint string) {
	if certain {
		return e.Message + ": nothing was changed", e.Hint
	}
	return e.Message + ": what the statement wrote, if anything, may or may not have been committed",
		strings.TrimPrefix(e.Hint+"; "+lookFirst, "; ")
}

const lookFirst = "look at the data before trying again: the change may have been made"

// timeoutError names the limit of the call, of which the check of the statement may have taken a part.
func timeoutError(limit time.Duration) *Error {
	return &Error{Code: "57014", Message: "the statement took longer than its time limit of " + limit.String() +
		" and was stopped",
		Hint: "make it cheaper: filter on indexed columns, or ask for less"}
}

// lateError describes the end of a call at its time limit. A call may wait in a pooler, which has no server connection
// for it.
func lateError(err error, limit time.Duration, commits bool) *Error {
	e := timeoutError(limit)
	lost := lostIn(err)
	certain := lost == nil || lost.uncommitted
	if lost != nil && lost.queued && certain {
		e = &Error{Code: "53300", Message: "the connection pooler had no server connection for the statement within its " +
			"time limit of " + limit.String(),
			Hint: "try again in a moment", Retryable: true}
	}
	switch {
	case commits && certain:
		e.Message += ": nothing was changed"
	case commits:
		e.Hint = lookFirst
	}
	return e
}

// node is the address of a server, with or without a login, in an error of Citus.
var node = regexp.MustCompile(`(\S+@)?[A-Za-z0-9._-]+:[0-9]{4,5}\b`)

// remoteError rewrites an error on the way from the database to another server (a worker of Citus, a foreign server).
// Such an error names hosts and logins, which only the operator is to read: a caller with a role does not.
func remoteError(s *session, c *Call, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.givenUp {
		return err
	}
	connection := strings.HasPrefix(e.Code, "08")
	if !connection && !(s.citus && node.MatchString(e.Message+e.Hint)) {
		return err
	}
	shown := *e
	shown.Retryable = e.Retryable && !refusedForGood(e.Message)
	if c.Identity != nil {
		s.pooler.log.Warn("an error of another server that the database works with", "database_role", c.Identity.DatabaseRole,
			"error", e)
		shown.Message, shown.Hint = node.ReplaceAllString(e.Message, "a worker"), node.ReplaceAllString(e.Hint, "a worker")
		if connection {
			shown.Message, shown.Hint = "another server that the database needs for this can't be reached",
				"the server's log says why"
			if !shown.Retryable {
				shown.Message = "another server that the database needs for this refuses the database role of this caller"
			}
		}
	}
	return &shown
}

// refusedForGood reports a login that another server refuses, which trying again does not change.
func refusedForGood(message string) bool {
	return slices.ContainsFunc([]string{"is not permitted to log in", "authentication failed", "pg_hba.conf",
		"no password supplied",
		" does not exist"}, func(text string) bool { return strings.Contains(message, text) })
}
