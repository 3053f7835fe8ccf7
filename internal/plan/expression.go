package plan

import (
	"regexp"
	"strings"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/sqlscan"
)

// condition is one of those that AND joins, as EXPLAIN (VERBOSE) writes it.
type condition struct {
	text            string
	left, op, right string
	// column is that of the table at hand that left is, or that the expression left is about.
	column string
	// wrapped says that left is an expression about the column, not the column itself.
	wrapped bool
	// constant says that right is known before the scan, and of no other table.
	constant bool
	// any says that OR joins more than one condition.
	any bool
}

// conditions are those of an expression, seen from the table of an alias. A comparison is turned so that the table's
// column is on the left.
func conditions(expression, alias string, t *Table) []condition {
	var all []condition
	for _, part := range split(expression, "AND") {
		c := condition{text: part, any: len(split(part, "OR")) > 1}
		if !c.any {
			c.left, c.op, c.right = compared(part)
			if !mentions(c.left, alias) && mentions(c.right, alias) {
				c.left, c.op, c.right = c.right, turned(c.op), c.left
			}
			c.constant = c.op != "" && !reference.MatchString(withoutStrings(c.right))
			c.column, c.wrapped = columnOf(c.left, alias, t)
		}
		all = append(all, c)
	}
	return all
}

// equality reports a condition that leaves one value of the column, or a few.
func (c condition) equality() bool { return c.op == "=" || c.op == "= ANY" || c.op == "IS NULL" }

// ordered reports a condition that is a range of the column.
func (c condition) ordered() bool { return c.op == "<" || c.op == ">" || c.op == "<=" || c.op == ">=" }

// unwrap takes off the parentheses around the whole text.
func unwrap(text string) string {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "(") {
		return text
	}
	tokens := sqlscan.Lex(text)
	closing := make([]int, len(tokens)) // by the place of "("
	var open []int
	for i, t := range tokens {
		switch text[t.Start:t.End] {
		case "(":
			open = append(open, i)
		case ")":
			if len(open) > 0 {
				closing[open[len(open)-1]] = i
				open = open[:len(open)-1]
			}
		}
	}
	first, last := 0, len(tokens)-1
	for first < last && text[tokens[first].Start:tokens[first].End] == "(" && closing[first] == last {
		first, last = first+1, last-1
	}
	return strings.TrimSpace(text[tokens[first].Start:tokens[max(first, last)].End])
}

// split cuts an expression at a word that stands outside of parentheses.
func split(expression, word string) []string {
	expression = unwrap(expression)
	if expression == "" {
		return nil
	}
	var parts []string
	depth, start := 0, 0
	for _, t := range sqlscan.Lex(expression) {
		switch text := expression[t.Start:t.End]; {
		case text == "(" || text == "[" || t.Kind == sqlscan.Word && text == "CASE":
			depth++
		case text == ")" || text == "]" || t.Kind == sqlscan.Word && text == "END":
			depth--
		case depth == 0 && t.Kind == sqlscan.Word && text == word:
			parts = append(parts, unwrap(expression[start:t.Start]))
			start = t.End
		}
	}
	return append(parts, unwrap(expression[start:]))
}

// compared cuts a comparison at its operator; op is empty for what is none.
func compared(text string) (left, op, right string) {
	depth := 0
	for _, t := range sqlscan.Lex(text) {
		switch word := text[t.Start:t.End]; {
		case word == "(" || word == "[" || word == "CASE":
			depth++
		case word == ")" || word == "]" || word == "END":
			depth--
		case depth == 0 && t.Kind == sqlscan.Operator:
			left, op, right = strings.TrimSpace(text[:t.Start]), word, strings.TrimSpace(text[t.End:])
			if rest, ok := strings.CutPrefix(right, "ANY "); ok {
				op, right = op+" ANY", rest
			}
			return unwrap(left), op, unwrap(right)
		case depth == 0 && word == "IS" && t.Kind == sqlscan.Word:
			return unwrap(text[:t.Start]), strings.Join(strings.Fields(text[t.Start:]), " "), ""
		}
	}
	return text, "", ""
}

func turned(op string) string {
	if with, ok := map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<="}[op]; ok {
		return with
	}
	return op
}

var (
	// reference is alias.column.
	reference = regexp.MustCompile(`("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\.("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)(\(?)`)
	cast      = regexp.MustCompile(`^\((.+)\)::(text|character varying|[a-z ]+)$`)
	strips    = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// withoutStrings leaves the constants out, in which anything can stand.
func withoutStrings(text string) string { return strips.ReplaceAllString(text, "''") }

// columns are those of an alias that a text mentions.
func columns(text, alias string) []string {
	var all []string
	seen := map[string]bool{}
	for _, m := range reference.FindAllStringSubmatch(withoutStrings(text), -1) {
		if pgtext.Unquote(m[1]) == alias && m[3] == "" && !seen[m[2]] {
			seen[m[2]] = true
			all = append(all, pgtext.Unquote(m[2]))
		}
	}
	return all
}

func mentions(text, alias string) bool { return len(columns(text, alias)) > 0 }

// columnOf is the column that a text is about. A cast that an index looks through, as from varchar to text, does not
// wrap it.
func columnOf(text, alias string, t *Table) (column string, wrapped bool) {
	names := columns(text, alias)
	if len(names) == 0 {
		return "", false
	}
	inner := text
	if m := cast.FindStringSubmatch(text); m != nil {
		if from := t.typeOf(names[0]); m[2] == "text" && from == "character varying" {
			inner = m[1]
		}
	}
	m := reference.FindString(inner)
	return names[0], len(names) > 1 || m != strings.TrimSpace(inner)
}

// bare writes an expression without the alias, as CREATE INDEX wants it.
func bare(text, alias string) string {
	var out strings.Builder
	tokens := sqlscan.Lex(text)
	for i := 0; i < len(tokens); i++ {
		word := text[tokens[i].Start:tokens[i].End]
		if i+2 < len(tokens) && pgtext.Unquote(word) == alias && text[tokens[i+1].Start:tokens[i+1].End] == "." {
			i++
			continue
		}
		out.WriteString(word)
	}
	return out.String()
}

var noise = regexp.MustCompile(`('(?:[^']|'')*')::(?:text|character varying|bpchar|date|` +
	`timestamp with(?:out)? time zone|numeric|"char"|jsonb|interval)(\[\])?`)

// short writes a condition for people: without the types of constants.
func short(text string) string {
	return pgtext.Shorten(noise.ReplaceAllString(unwrap(text), "$1"), 160)
}

func containsHashed(text, subplan string) bool {
	return subplan != "" && strings.Contains(text, "hashed "+subplan)
}
