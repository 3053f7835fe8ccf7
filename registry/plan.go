package registry

import (
	"errors"
	"slices"
	"strings"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Plan says how an allowed statement is run.
type Plan struct {
	// DB is the server's database, or the one that the role has a login of its own for.
	DB Database
	// Statement is nil where nothing guards.
	Statement *sqlscan.Statement
	// Identity, Verify and Clean are those of postgres.Call.
	Identity *postgres.Identity
	Verify   *postgres.Verify
	Clean    bool
	// Reads says that the statement provably changes nothing: it may run READ ONLY. Selects says so of its text alone.
	Reads, Selects bool
	// Limits are those of the role.
	Limits guard.Limits

	role *guard.Role
}

// apply puts the plan into a call.
func (p *Plan) apply(c *postgres.Call) {
	c.Identity, c.Verify, c.Clean, c.Timeout = p.Identity, p.Verify, p.Clean, p.Limits.Timeout
	c.Together, c.OwnNotices = p.Selects, p.role != nil
}

// mayWrite reports whether the transaction has to be one that writes: not for a role that only reads, or a statement that does.
func (p *Plan) mayWrite() bool {
	return !p.Reads && (p.role == nil || p.role.Operations&^sqlscan.OpSelect != 0)
}

// sessionPath is the search path that the bodies of functions see; nil is the login's.
func (p *Plan) sessionPath() *postgres.Identity {
	if p.Identity == nil {
		return nil
	}
	return &postgres.Identity{SearchPath: p.Identity.SearchPath}
}

// schemas and tables are what the caller may be told of, as arrays; nil is no restriction.
func (p *Plan) schemas() []byte {
	if p.role == nil {
		return nil
	}
	return pgtext.Array(p.role.Schemas)
}

func (p *Plan) tables() []byte {
	if p.role == nil || p.role.AllTables {
		return nil
	}
	return pgtext.Array(p.role.QualifiedTables())
}

// discreet leaves out of an error of PostgreSQL what could be data that the role may not read. One that came while the statement
// ran is told by its SQLSTATE alone: any text of a value can be in its words.
func (p *Plan) discreet(err error) error {
	var pg *postgres.Error
	if p.role == nil || !errors.As(err, &pg) {
		return err
	}
	e := *pg
	e.Hint = ""
	switch {
	case e.Running && !p.mayTell(pg):
		e.Message, e.Position = stateName(e.Code)+": PostgreSQL raised this while the statement ran, and its words, which can hold values, are not told to a role", 0
	case strings.HasPrefix(e.Code, "22") || e.Code == "23503":
		first, last := strings.IndexByte(e.Message, '"'), strings.LastIndexByte(e.Message, '"')
		if first >= 0 && first < last {
			e.Message = e.Message[:first+1] + "..." + e.Message[last:]
		}
	}
	return &e
}

// mayTell reports whether the words of an error hold no value and no hidden name: those of constraints, of locks and conflicts, of
// what functions raise on purpose, and of a right that is missing on what the statement names.
func (p *Plan) mayTell(e *postgres.Error) bool {
	switch e.Code {
	case "P0001", "25006", "57014":
		return true
	case "42501":
		words := strings.Fields(e.Message)
		name := words[len(words)-1]
		return p.Statement != nil && (slices.ContainsFunc(p.Statement.Relations, func(r sqlscan.Relation) bool { return r.Name == name || r.Schema == name }) ||
			slices.ContainsFunc(p.Statement.Functions, func(f sqlscan.Object) bool { return f.Name == name || f.Schema == name }))
	}
	return e.Retryable || strings.HasPrefix(e.Code, "23")
}
