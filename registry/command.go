package registry

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Commands that would be answered and have no effect, because a call is a transaction and a session of its own.
var (
	transactionCommands = []string{"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
	sessionCommands     = []string{"SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "EXECUTE", "DEALLOCATE", "DECLARE", "FETCH", "MOVE",
		"CLOSE", "DISCARD", "LOAD"}
)

// readCommands may be sent in read-only mode. The four that write are refused by PostgreSQL; others, such as COPY, which
// can write files of the server, it would run.
var readCommands = []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "INSERT", "UPDATE", "DELETE", "MERGE"}

// checkCommand refuses what can't do what its caller expects, by the first word of the SQL.
func checkCommand(sql string, readOnly bool) error {
	command := firstWord(sql)
	switch {
	case slices.Contains(transactionCommands, command):
		return argumentError("sql: " + command + " has no effect, because each call is a transaction of its own: send the statements alone; " +
			"WITH joins several writes into one")
	case slices.Contains(sessionCommands, command):
		return argumentError("sql: " + command + " has no effect, because nothing of a session lasts from one call to the next")
	case readOnly && command != "" && !slices.Contains(readCommands, command):
		return argumentError("sql: " + command + " is not possible in read-only mode: want SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN")
	}
	return nil
}

// firstWord is the first keyword in capitals, behind comments and parentheses; empty where there is none.
func firstWord(sql string) string {
	for _, t := range sqlscan.Lex(sql) {
		text := sql[t.Start:t.End]
		if !t.Significant() || t.Kind == sqlscan.Symbol && strings.Trim(text, "(;") == "" {
			continue
		}
		if t.Kind == sqlscan.Word {
			return strings.ToUpper(text)
		}
		return ""
	}
	return ""
}
