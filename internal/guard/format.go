package guard

import (
	"regexp"
	"slices"
	"strings"
)

// wide matches a format specification with a large width, or one from an argument.
var wide = regexp.MustCompile(`%[-0-9$]*(\*|[0-9]{5})`)

// constantFormats reports whether each call of format in the SQL has a plain constant without large widths as its first
// argument. Names and constants with escapes are not read: they could hide one. Nor are constants that go on in another
// line, which PostgreSQL joins.
func constantFormats(sql string) bool {
	tokens := significant(sql)
	if slices.ContainsFunc(tokens, func(text string) bool { return strings.HasPrefix(strings.ToLower(text), `u&"`) }) {
		return false
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
