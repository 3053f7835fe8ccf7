package catalog

import (
	"errors"
	"fmt"

	"mcp-postgres/internal/sqlscan"
)

// analyse asks PostgreSQL's grammar about a compiled statement, and reports what a tool of that access can't do. fault is
// given a position in st.SQL.
func analyse(st *Statement, access Access, fault func(position int, problem string)) {
	a, err := sqlscan.Analyze(st.SQL)
	var syntax *sqlscan.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Grammar:
		fault(syntax.Position, syntax.Message+" (SQL is read with the syntax of PostgreSQL "+sqlscan.GrammarVersion+")")
		return
	case errors.As(err, &syntax):
		fault(syntax.Position, syntax.Message)
		return
	case err != nil:
		fault(1, err.Error())
		return
	}
	st.Analysis = a
	switch a.Command {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE":
		if a.Explain {
			fault(1, "EXPLAIN: want the query itself, SELECT, INSERT, UPDATE, DELETE or MERGE")
			return
		}
	default:
		fault(1, fmt.Sprintf("%s: want a query, SELECT, INSERT, UPDATE, DELETE or MERGE", a.Command))
		return
	}
	if access == Read {
		writes(a, fault)
	}
}

// writes reports what a READ ONLY transaction refuses.
func writes(a *sqlscan.Statement, fault func(position int, problem string)) {
	const want = "with access read: want access write"
	for _, r := range a.Relations {
		verb := ""
		switch {
		case r.Ops&sqlscan.OpInsert != 0:
			verb = "INSERT into"
		case r.Ops&sqlscan.OpUpdate != 0:
			verb = "UPDATE of"
		case r.Ops&sqlscan.OpDelete != 0:
			verb = "DELETE from"
		case r.Ops&sqlscan.OpLock != 0:
			verb = "row locks on"
		default:
			continue
		}
		fault(r.Position, fmt.Sprintf("%s %s %s", verb, r.Name, want))
	}
}
