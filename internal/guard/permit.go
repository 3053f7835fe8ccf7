package guard

import (
	"errors"
	"slices"
	"strings"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Permit says how an allowed statement runs.
type Permit struct {
	// Statement is nil where nothing restricts the caller.
	Statement *sqlscan.Statement
	// Identity, Verify and Clean are those of postgres.Call.
	Identity *postgres.SessionIdentity
	Verify   *postgres.Verify
	Clean    bool
	// Reads says that the statement provably changes nothing: it may run READ ONLY. Selects says so of its text alone.
	Reads, Selects bool
	// Role is that of the caller; nil where no permissions apply. Limits are those of the role.
	Role   *Role
	Limits Limits

	subject subject
}

// Apply puts the permit into a call.
func (p *Permit) Apply(c *postgres.Call) {
	c.Identity, c.Verify, c.ProvenClean, c.Timeout = p.Identity, p.Verify, p.Clean, p.Limits.Timeout
	c.Together, c.OwnNotices = p.Selects, p.Role != nil
}

// MayWrite reports whether the transaction has to be one that writes: not for a role that only reads, or a statement
// that does.
func (p *Permit) MayWrite() bool {
	return !p.Reads && (p.Role == nil || p.Role.Operations&^sqlscan.OpSelect != 0)
}

// Redact leaves out of an error of PostgreSQL what could be data that the role may not read. One that came while the
// statement ran is named by its SQLSTATE alone: its text can hold any value.
func (p *Permit) Redact(err error) error {
	var pg *postgres.Error
	if p.Role == nil || !errors.As(err, &pg) {
		return err
	}
	e := *pg
	e.Hint = ""
	switch {
	case e.Running && !p.mayTell(pg):
		e.Message, e.Position = stateName(e.Code)+": PostgreSQL raised this while the statement ran; "+
			"its text can hold values and is not shown to a role", 0
	case strings.HasPrefix(e.Code, "22") || e.Code == "23503":
		first, last := strings.IndexByte(e.Message, '"'), strings.LastIndexByte(e.Message, '"')
		if first >= 0 && first < last {
			e.Message = e.Message[:first+1] + "..." + e.Message[last:]
		}
	}
	return &e
}

// mayTell reports whether the words of an error hold no value and no hidden name: those of constraints of what the
// role sees, of locks and conflicts, of what functions raise on purpose, and of a right that is missing on what the
// statement names.
func (p *Permit) mayTell(e *postgres.Error) bool {
	switch e.Code {
	case "P0001", "25006", "57014":
		return true
	case "42501":
		words := strings.Fields(e.Message)
		name := words[len(words)-1]
		relation := func(r sqlscan.Relation) bool { return r.Name == name || r.Schema == name }
		function := func(f sqlscan.Object) bool { return f.Name == name || f.Schema == name }
		return p.Statement != nil &&
			(slices.ContainsFunc(p.Statement.Relations, relation) || slices.ContainsFunc(p.Statement.Functions, function))
	}
	return e.Retryable || strings.HasPrefix(e.Code, "23") && (e.Schema == "" || p.Role.sees(e.Schema, e.Table))
}
