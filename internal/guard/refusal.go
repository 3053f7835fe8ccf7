package guard

import (
	"errors"
	"fmt"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Refusal says why a statement is not allowed.
type Refusal struct {
	// Code is Forbidden, ReadOnly, InvalidArguments or a SQLSTATE.
	Code string
	// Rule is a short name of what was broken, for the log.
	Rule string
	// Message is one sentence for the caller; Hint, if any, says what to do about it.
	Message, Hint string
	// Position is the 1-based character in the statement, zero if unknown.
	Position int
	// Retryable says that the same call may work later.
	Retryable bool
}

// The codes of a refusal: by the caller's role, by read-only mode, or for SQL that no call can run.
const (
	Forbidden        = "forbidden"
	ReadOnly         = "read_only"
	InvalidArguments = "invalid_arguments"
)

func (r *Refusal) Error() string { return r.Message }

func refuse(rule string, position int, format string, args ...any) *Refusal {
	return &Refusal{Code: Forbidden, Rule: rule, Message: fmt.Sprintf(format, args...), Position: position}
}

// asReadOnly is the refusal as one by read-only mode.
func (r *Refusal) asReadOnly() *Refusal {
	if r != nil {
		r.Code = ReadOnly
	}
	return r
}

// Within is the refusal of what a view or function uses; via names those, each with a colon after it.
func (r *Refusal) Within(via string) *Refusal {
	return &Refusal{Code: r.Code, Rule: r.Rule, Message: via + r.Message}
}

// verdict is what Decide says of a statement that is not refused.
type verdict struct {
	// Uses are what must be decided on too, by its definition.
	Uses []object
	// Clean reports that the statement, what it uses aside, leaves nothing in the session.
	Clean bool
	// Unresolved reports names that stand for nothing now, Unknown is the first of them that is a relation or function.
	Unresolved bool
	Unknown    string
}

func invalid(message string) *Refusal { return &Refusal{Code: InvalidArguments, Message: message} }

// asRefusal makes a refusal of an error about the statement; what can't be understood can't be allowed. Other errors
// stay what they are.
func asRefusal(err error) error {
	var syntax *sqlscan.SyntaxError
	var unsupported *sqlscan.UnsupportedError
	var limit *sqlscan.LimitError
	var pg *postgres.Error
	switch {
	case errors.As(err, &pg) && pg.Code == codeDenied:
		// The statement itself has not run: what is denied are the questions about it.
		return &Refusal{Code: pg.Code,
			Message: "what the statement may do is looked up in PostgreSQL's catalogs first, and this server's login can't: " +
				pg.Message,
			Hint: "the operator has to GRANT SELECT ON that catalog to the login"}
	case errors.As(err, &limit):
		return invalid("sql: " + limit.Message)
	case errors.As(err, &syntax):
		r := &Refusal{Code: "42601", Message: syntax.Message, Position: syntax.Position}
		if syntax.Grammar {
			r.Hint = "SQL is read here with the syntax of PostgreSQL " + sqlscan.GrammarVersion
		}
		return r
	case errors.As(err, &unsupported):
		return &Refusal{Code: Forbidden, Rule: "grammar", Message: unsupported.Error()}
	}
	return err
}

// codeDenied is the SQLSTATE of a missing right.
const codeDenied = "42501"
