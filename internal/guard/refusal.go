package guard

import "fmt"

// Refusal says why a statement is not allowed.
type Refusal struct {
	// Code is Forbidden or ReadOnly.
	Code string
	// Rule is a short name of what was broken, for the log.
	Rule string
	// Message is one sentence for the caller.
	Message string
	// Position is the 1-based character in the statement, zero if unknown.
	Position int
}

// The codes of a refusal: by the caller's role, or by read-only mode.
const (
	Forbidden = "forbidden"
	ReadOnly  = "read_only"
)

func (r *Refusal) Error() string { return r.Message }

func refuse(rule string, position int, format string, args ...any) *Refusal {
	return &Refusal{Forbidden, rule, fmt.Sprintf(format, args...), position}
}

// asReadOnly is the refusal as one by read-only mode.
func (r *Refusal) asReadOnly() *Refusal {
	if r != nil {
		r.Code = ReadOnly
	}
	return r
}

// Within words the refusal of what stands behind a view or function.
func (r *Refusal) Within(what string) *Refusal {
	return &Refusal{Code: r.Code, Rule: r.Rule, Message: what + ": " + r.Message}
}

// Verdict is what Decide says of a statement that is not refused.
type Verdict struct {
	// Views, Policies, Functions and Domains are the OIDs of what must be decided on too, by its definition: views,
	// tables with row security, functions, domains.
	Views, Policies, Functions, Domains []uint32
	// Clean reports that the statement, what stands behind it aside, leaves nothing in the session.
	Clean bool
	// Unresolved reports names that stand for nothing now, Unknown is the first of them that is a relation or function.
	Unresolved bool
	Unknown    string
}
