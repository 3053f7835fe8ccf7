package postgres

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// ErrNoDatabase is the answer of a DB without a connection string.
var ErrNoDatabase = errors.New("no database is configured")

// Unavailable is a database that can't be reached or refuses the login. Reason says why in words that a tool's caller
// may read: it holds no host, user or password.
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
	// Code is the SQLSTATE (PostgreSQL, Appendix A).
	Code string
	// Message and Hint together are at most 1 KiB. DETAIL is left out: it can quote data that the caller may not read.
	Message, Hint string
	// Position is the 1-based character in the statement, zero if unknown.
	Position int
	// Parameter is the number n of the $n whose value does not fit, zero if the error is another.
	Parameter int
	// Retryable means that the same call may work later.
	Retryable bool
	// Running says that PostgreSQL raised it when the statement ran, with values of tables: its text can hold some.
	Running bool

	// givenUp: the rest of the answer was not read, and the connection is closed.
	givenUp bool
}

func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

func serverError(m *pgproto3.ErrorResponse) *Error {
	e := &Error{Code: m.Code, Message: cut(m.Message, maxErrorText), Position: int(m.Position), Retryable: retryableCode(m.Code)}
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
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// connectError turns a failure to get a connection into Unavailable, or an Error where the pool is at fault.
func connectError(ctx context.Context, err error) error {
	var own *Error
	var pe *pgconn.PgError
	var ce *pgconn.ConnectError
	switch {
	case errors.As(err, &own): // of the look at a new connection
		return own
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrReadWriteConnection),
		errors.Is(err, pgconn.ErrStandbyConnection), errors.Is(err, pgconn.ErrPrimaryConnection):
		return &Unavailable{Reason: "no server in the connection string is as target_session_attrs wants it", cause: err}
	case errors.As(err, &pe):
		return &Unavailable{Reason: refusal(pe), cause: err}
	case errors.As(err, &ce):
		return &Unavailable{Reason: cmp.Or(tlsReason(err), "the database can't be reached"), cause: err}
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: "53300", Message: "all connections to the database are busy", Hint: "try again in a moment", Retryable: true}
	}
	return &Unavailable{Reason: "the database can't be reached", cause: err}
}

// refusal words a login that the server refuses, without the names in its message.
func refusal(pe *pgconn.PgError) string {
	switch {
	case certificateRefusal(pe) != "":
		return certificateRefusal(pe) + " (SQLSTATE " + pe.Code + ")"
	case pe.Code == "08P01" && strings.Contains(pe.Message, "startup parameter"):
		return "the connection pooler refuses a parameter of the connection string (SQLSTATE 08P01)"
	case strings.HasPrefix(pe.Code, "28"):
		return "the database refuses the login (SQLSTATE " + pe.Code + ")"
	case pe.Code == "42704" || pe.Code == "22023":
		return refusedSetting(pe.Code, pe.Message)
	case pe.Code == "3D000":
		return "the database named in the connection string does not exist (SQLSTATE 3D000)"
	case pe.Code == "53300":
		return "the database has no connection left (SQLSTATE 53300)"
	case pe.Code == "57P03":
		return "the database is starting up or shutting down (SQLSTATE 57P03)"
	}
	return "the database refuses the connection (SQLSTATE " + pe.Code + ")"
}

// refusedSetting words a setting of the connection string that the database refuses. The database quotes what it does not
// know: words that hold : or @ may be a part of a connection string that was taken apart in wrong places.
func refusedSetting(code, message string) string {
	text := "the database refuses a setting of the connection string, which only its operator can mend"
	if !strings.ContainsAny(strings.Replace(message, `": "`, "", 1), ":@") {
		text += ": " + cut(message, 200)
	}
	return text + " (SQLSTATE " + code + ")"
}

// carriedSetting is Unavailable for an error before a call's own statement that is about a setting of the connection string:
// behind a pooler each call carries those. It is nil for any other error, and for the settings of a caller's identity.
func carriedSetting(e *Error) error {
	about := func(start string) bool { return strings.HasPrefix(e.Message, start) }
	if !about("unrecognized configuration parameter ") && !about("invalid value for parameter ") && !about("invalid configuration parameter name ") ||
		strings.Contains(e.Message, `"role"`) || strings.Contains(e.Message, `"search_path"`) {
		return nil
	}
	return &Unavailable{Reason: refusedSetting(e.Code, e.Message), cause: e}
}
