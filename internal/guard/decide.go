package guard

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Restriction is what a statement is held against.
type Restriction struct {
	// Role of the caller; nil where authentication is off.
	Role *Role
	// ReadOnly forbids every change, in the database and on its host.
	ReadOnly bool
}

// decision is one run of Decide.
type decision struct {
	Restriction
	sql      string
	st       *sqlscan.Statement
	resolved *Resolved
	lists    *lists
	verdict  verdict
}

// Decide holds a statement against the restriction. It is refused, or allowed if what the verdict names is allowed too.
func (r Restriction) Decide(sql string, st *sqlscan.Statement, resolved *Resolved) (verdict, *Refusal) {
	d := &decision{Restriction: r, sql: sql, st: st, resolved: resolved, lists: known()}
	d.verdict.Clean = true
	refusal := d.first(
		d.names, d.command, d.constructs, d.relations, d.secrets, d.functions, d.operators, d.types, d.implied)
	return d.verdict, refusal
}

// Early refuses what needs no look at the database.
func (r Restriction) Early(st *sqlscan.Statement) *Refusal {
	d := &decision{Restriction: r, st: st, lists: known()}
	return d.first(d.command, d.constructs)
}

// first is the first refusal of the checks.
func (d *decision) first(checks ...func() *Refusal) *Refusal {
	for _, check := range checks {
		r := check()
		if r == nil {
			continue
		}
		if d.Role == nil {
			r.Code = ReadOnly
		}
		return r
	}
	return nil
}

// use notes an object that must be decided on too.
func (d *decision) use(kind string, oid uint32) {
	d.verdict.Uses = append(d.verdict.Uses, object{kind, oid})
}

// unknown notes a relation or function that does not exist.
func (d *decision) unknown(name string) {
	d.verdict.Unresolved = true
	if d.verdict.Unknown == "" {
		d.verdict.Unknown = name
	}
}

var roleCommands = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "SHOW"}

// command looks at the kind of statement.
func (d *decision) command() *Refusal {
	st := d.st
	if d.ReadOnly {
		if r := d.readOnlyCommand().asReadOnly(); r != nil {
			return r
		}
	}
	if d.Role == nil {
		return nil
	}
	switch {
	case !slices.Contains(roleCommands, st.Command):
		return refuse("statement", 0,
			"%s is not possible for any role: want SELECT, INSERT, UPDATE, DELETE, MERGE, SHOW or EXPLAIN", st.Command)
	case st.Into:
		return refuse("statement", 0, "SELECT INTO makes a table, which is not possible for any role")
	}
	for _, name := range st.Settings {
		if !d.lists.settings[name] {
			return refuse("setting", 0, "SHOW %s is not among the settings that a role may see", name)
		}
	}
	return nil
}

func (d *decision) readOnlyCommand() *Refusal {
	st := d.st
	switch {
	case st.Command == "SHOW" && !st.Explain:
	case st.Command != "SELECT":
		return refuse("statement", 0,
			"%s is not possible in read-only mode: want SELECT, VALUES, TABLE, SHOW or EXPLAIN of those", st.Command)
	case st.Into:
		return refuse("statement", 0, "SELECT INTO makes a table, which is not possible in read-only mode")
	}
	for _, rel := range st.Relations {
		switch {
		case rel.Ops&^(sqlscan.OpSelect|sqlscan.OpLock) != 0:
			return refuse("operation", rel.Position,
				"the statement changes %s, which is not possible in read-only mode", written(rel.Schema, rel.Name))
		case rel.Ops&sqlscan.OpLock != 0:
			return refuse("operation", rel.Position,
				"the statement locks rows of %s, which is not possible in read-only mode", written(rel.Schema, rel.Name))
		}
	}
	return nil
}

func (d *decision) constructs() *Refusal {
	for _, c := range d.st.Constructs {
		if c.Name == sqlscan.WideRow {
			return refuse("construct", c.Position,
				"%s is not possible: PostgreSQL would keep its type for the whole session", c.Name)
		}
		if slices.Contains(d.lists.constructs, strings.ToUpper(c.Name)) {
			return refuse("construct", c.Position, "%s is not possible: nothing can interrupt PostgreSQL's XML parser", c.Name)
		}
	}
	return nil
}

// written is a name as the statement has it.
func written(schema, name string) string {
	if schema == "" {
		return name
	}
	return schema + "." + name
}
