package guard

import (
	"regexp"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// wide matches a format specification with a large width, or one from an argument.
var wide = regexp.MustCompile(`%[-0-9$]*(\*|[0-9]{5})`)

// constantFormats reports whether each call of format in the SQL has a plain constant without large widths as its first
// argument. Names and constants with escapes are not read: they could hide one. Nor are constants that go on in another
// line, which PostgreSQL joins.
func constantFormats(sql string) bool {
	var tokens []string
	for _, t := range sqlscan.Lex(sql) {
		if !t.Significant() {
			continue
		}
		text := sql[t.Start:t.End]
		if t.Kind == sqlscan.Quoted && strings.EqualFold(text[:1], "u") {
			return false
		}
		tokens = append(tokens, text)
	}
	for i, text := range tokens {
		if !strings.EqualFold(strings.Trim(text, `"`), "format") || i+1 == len(tokens) || tokens[i+1] != "(" {
			continue
		}
		if i+3 >= len(tokens) || tokens[i+3] != "," && tokens[i+3] != ")" ||
			tokens[i+2][0] != '\'' || continued(tokens[i+2]) || wide.MatchString(tokens[i+2]) {
			return false
		}
	}
	return true
}

// continued reports a string constant of several pieces: the quotes within one piece are doubled.
func continued(constant string) bool {
	return strings.Contains(strings.ReplaceAll(constant[1:len(constant)-1], "''", ""), "'")
}
