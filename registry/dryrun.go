package registry

import (
	"context"
	_ "embed" // the question about locks
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// mostAffected is the least of the limits of rows that a call may change, of those that are set, the role's among them;
// zero is no limit.
func mostAffected(ctx context.Context, limits ...int) int {
	if role, on := roleOf(ctx); on && role != nil {
		limits = append(limits, role.Limits.Affected)
	}
	most := 0
	for _, l := range limits {
		most = least(most, l)
	}
	return most
}

// uncounted are the first words of commands that change no rows that there are.
var uncounted = []string{"SELECT", "SHOW", "CREATE", "COMMENT", "ANALYZE", "REFRESH", "REINDEX", "GRANT", "REVOKE"}

// countable refuses a statement of which PostgreSQL does not say how many rows it changes, while there is a limit.
// st is nil where nothing has read it yet.
func countable(sql string, st *sqlscan.Statement) error {
	if st == nil {
		var err error
		if st, err = sqlscan.Analyze(sql); err != nil {
			return err
		}
	}
	first, _, _ := strings.Cut(st.Command, " ")
	isWrite := slices.Contains(counted[:], st.Command) && st.Command != "SELECT"
	switch {
	case st.Explain && !st.Writes():
		return nil
	case st.Explain:
		return argumentError("sql: the rows that EXPLAIN ANALYZE of " + st.Command + " changes can't be counted, and there " +
			"is a limit of changed rows (max_affected): use EXPLAIN alone")
	case isWrite && st.Changes == 1, !isWrite && st.Changes == 0 && slices.Contains(uncounted, first):
		return nil
	case st.Changes > 0:
		return argumentError("sql: what is written within WITH can't be counted, and there is a limit of changed rows " +
			"(max_affected): write it as a statement of its own")
	}
	return argumentError("sql: the rows that " + st.Command + " changes can't be counted, and there is a limit of " +
		"changed rows (max_affected): use INSERT, UPDATE, DELETE or MERGE")
}

// bound has the call undone when its statements together have changed too many rows.
func (q *queryCall) bound(out postgres.Outcome) error {
	if slices.Contains(counted[:], out.Command) && out.Command != "SELECT" {
		q.changed += out.Affected
	}
	if q.most == 0 || q.changed <= int64(q.most) {
		return nil
	}
	return &postgres.Error{Code: "54000", Message: fmt.Sprintf("the call changes %d rows, more than the limit of %d: "+
		"nothing was changed", q.changed, q.most)}
}

// locksSQL are the locks that this transaction has on tables and sequences, but for those of reading.
//
//go:embed locks.sql
var locksSQL string

// tryOut has a write rolled back at its end, with its deferred constraints checked, and asks for its locks.
func tryOut(call *postgres.Call, locks *firstColumn) {
	call.Rollback, call.Together, call.Prepare, call.GenericPlan = true, false, false, false
	call.Then = append(call.Then, postgres.Then{SQL: "SET CONSTRAINTS ALL IMMEDIATE", Sink: &firstColumn{}},
		postgres.Then{SQL: locksSQL, Sink: locks})
}

// tried says what a dry run was; nothing of a call that was none.
func (q *queryCall) tried(ctx context.Context) []string {
	if !q.dry {
		return nil
	}
	return []string{triedNotice(ctx, q.locks.values)}
}

// triedNotice says what is left of a dry run. The locks name tables that a role may not see.
func triedNotice(ctx context.Context, locks []string) string {
	said := "Dry run: all was rolled back. Only numbers taken from sequences stay taken, and what functions did outside " +
		"the database; NOTIFY was not sent."
	if _, on := roleOf(ctx); !on && len(locks) > 0 {
		said += " Locks: " + strings.Join(locks, ", ") + "."
	}
	return said
}
