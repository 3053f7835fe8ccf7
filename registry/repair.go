package registry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

// keywords are those of common statements.
var keywords = strings.Fields(`SELECT FROM WHERE GROUP ORDER BY HAVING LIMIT OFFSET DISTINCT AS ON USING
	JOIN LEFT RIGHT FULL INNER OUTER CROSS LATERAL
	UNION INTERSECT EXCEPT ALL AND OR NOT IN IS NULL LIKE ILIKE BETWEEN EXISTS CASE WHEN THEN ELSE END ASC DESC
	NULLS WITH RECURSIVE OVER PARTITION FILTER
	INSERT INTO VALUES UPDATE SET DELETE RETURNING CREATE TABLE VIEW INDEX ALTER DROP EXPLAIN ANALYZE`)

// misspelt gives the keyword that was meant by the word at a character of the SQL, or by the word before it: one with
// which the parser gets further. It is empty if there is none.
func misspelt(sql string, character int) string {
	at := byteAt(sql, character)
	if at < 0 {
		at = len(sql)
	}
	var words []sqlscan.Token
	for _, t := range sqlscan.Lex(sql) {
		if t.Start <= at && t.Kind == sqlscan.Word {
			words = append(words, t)
		}
	}
	slices.Reverse(words)
	for _, w := range words[:min(2, len(words))] {
		if w.End-w.Start < 2 {
			continue // the s of 'it's'
		}
		for _, keyword := range faults.Nearest(sql[w.Start:w.End], keywords, maxSuggestions) {
			if strings.EqualFold(keyword, sql[w.Start:w.End]) {
				break
			}
			mended := sql[:w.Start] + keyword + sql[w.End:]
			var fault *sqlscan.SyntaxError
			if _, err := sqlscan.Analyze(mended); !errors.As(err, &fault) || byteAt(mended, fault.Position) > at+len(keyword) {
				return keyword
			}
		}
	}
	return ""
}

// byteAt is the byte of a character, counted from 1; -1 where there is none.
func byteAt(sql string, character int) int {
	n := 0
	for i := range sql {
		if n++; n == character {
			return i
		}
	}
	return -1
}

// dialects are the lines of dialects.txt: what PostgreSQL has for the syntax of another database or tool.
var dialects = sync.OnceValue(func() (all []dialect) {
	text, _ := resources.ReadFile("resources/dialects.txt")
	for line := range strings.Lines(string(text)) {
		pattern, hint, _ := strings.Cut(strings.TrimSpace(line), " => ")
		all = append(all, dialect{regexp.MustCompile("(?i)" + pattern), hint})
	}
	return all
})

type dialect struct {
	pattern *regexp.Regexp
	hint    string
}

// hintOfDialect gives the hint of the first pattern in a text: the SQL, a function as name(, a type as ::name, or an
// error as its SQLSTATE and message. It is empty if there is none.
func hintOfDialect(text string) string {
	for _, d := range dialects() {
		if d.pattern.MatchString(text) {
			return d.hint
		}
	}
	return ""
}

// maxListed bounds the names and values that an error lists.
const maxListed = 60

func listed(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return strings.Join(names[:maxListed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// ambiguousHint names the columns that an ambiguous one may be.
func ambiguousHint(all []sqlscan.Name, column string) string {
	var names []string
	for _, s := range sqlscan.Sources(all) {
		table := s.Alias
		if table == "" {
			table = s.Name.Last().Text
		}
		names = append(names, table+"."+column)
	}
	return "write the table before it, such as " + strings.Join(names[:min(maxSuggestions, len(names))], " or ")
}

var wrongLabel = regexp.MustCompile(`invalid input value for enum (.+): "(.*?)"`)

// addLabels adds to an error about a value of an enum which values there are.
func addLabels(ctx context.Context, db Database, e *Error) {
	parts := wrongLabel.FindStringSubmatch(e.Message)
	if parts == nil {
		return
	}
	search := nameArgs{kind: "label", tables: []string{parts[1]}, completing: true}
	if found, err := findNames(ctx, db, identity(ctx), search, callerArgs(ctx)); err == nil && len(found.written) > 0 {
		e.Suggestion = strings.Join(faults.Nearest(parts[2], found.written, 1), "")
		e.Hint = "the values of " + parts[1] + " are " + listed(found.written)
	}
}
