package plan

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Candidate is an index that may help.
type Candidate struct {
	Table *Table
	// On is the name of the table as SQL writes it; Keys are columns, expressions in parentheses, with DESC and the like.
	On     string
	Method string // empty is btree
	Keys   []string
	Where  string // the predicate of a partial index
	// Scanned are the table, or those of its partitions that plans read.
	Scanned []*Table
}

// SQL makes the index. A partitioned table takes no CONCURRENTLY.
func (c Candidate) SQL() string {
	if c.Table.Kind == "p" || c.Table.Parent != "" {
		return c.create("CREATE INDEX") + " /* blocks writes while it is built */"
	}
	return c.create("CREATE INDEX CONCURRENTLY")
}

func (c Candidate) create(command string) string {
	return written(command, Proposed{table: c.On, method: c.Method, keys: strings.Join(c.Keys, ", "), where: c.Where})
}

// forFilter is the index that serves the conditions of a scan best; ok is false where there is none. Columns that are
// to have one value come first, the one with most values before the others, then one that is a range.
func forFilter(all []condition, alias string, t *Table) (c Candidate, ok bool) {
	c = Candidate{Table: t, On: t.whole()}
	var equal []condition
	ranges := ""
	for _, cond := range all {
		switch {
		case cond.any || cond.column == "" && cond.left == "":
		case method(cond) != "":
			return Candidate{Table: t, On: t.whole(), Method: method(cond), Keys: []string{keyOf(cond, alias, t)}}, true
		case cond.column == "" || !cond.constant && cond.op != "IS NULL":
		case cond.equality():
			equal = append(equal, cond)
		case cond.ordered() && ranges == "":
			ranges = keyOf(cond, alias, t)
		}
	}
	slices.SortStableFunc(equal, func(a, b condition) int {
		return int(min(max(t.distinct(b.column)-t.distinct(a.column), -1), 1))
	})
	for _, cond := range equal {
		if key := keyOf(cond, alias, t); !slices.Contains(c.Keys, key) && len(c.Keys) < 3 {
			c.Keys = append(c.Keys, key)
		}
	}
	if ranges != "" && !slices.Contains(c.Keys, ranges) {
		c.Keys = append(c.Keys, ranges)
	}
	return c, len(c.Keys) > 0
}

// method is the kind of index for operators that a btree has not; empty is none.
func method(c condition) string {
	switch c.op {
	case "@>", "<@", "&&", "?", "?|", "?&", "@@":
		return "gin"
	}
	return ""
}

// keyOf is the left side of a condition as a key of an index.
func keyOf(c condition, alias string, t *Table) string {
	if !c.wrapped {
		return t.key(c.column)
	}
	return "(" + bare(c.left, alias) + ")"
}

// forOrder is the index that gives rows in the order wanted; ok is false where the order is not of columns of the
// table.
func forOrder(keys []string, alias string, t *Table) (c Candidate, ok bool) {
	c = Candidate{Table: t, On: t.whole()}
	back := !slices.ContainsFunc(keys, func(k string) bool { return !strings.HasSuffix(k, " DESC") })
	for _, key := range keys {
		column, direction := key, ""
		for _, word := range []string{" NULLS FIRST", " NULLS LAST", " DESC"} {
			if rest, cut := strings.CutSuffix(column, word); cut {
				column, direction = rest, word+direction
			}
		}
		if back { // an index is read backward as well
			direction = ""
		}
		name, wrapped := columnOf(unwrap(column), alias, t)
		if name == "" || wrapped {
			return c, false
		}
		c.Keys = append(c.Keys, t.key(name)+direction)
	}
	return c, len(c.Keys) > 0
}

// Proposed is an index that somebody wrote as CREATE INDEX.
type Proposed struct {
	table, method, keys, include, where string
	parts                               []string // the columns and expressions, without orders and operator classes
}

// ParseIndex reads CREATE INDEX; ok is false for anything else. Names and expressions are left to PostgreSQL.
func ParseIndex(sql string) (p *Proposed, ok bool) {
	words := wordsOf(sql)
	on := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, "ON") })
	if on < 2 || on > 8 || !strings.EqualFold(words[0], "CREATE") || slices.Contains(words, ";") ||
		!slices.ContainsFunc(words[1:on], func(w string) bool { return strings.EqualFold(w, "INDEX") }) {
		return nil, false
	}
	p = &Proposed{}
	rest := words[on+1:]
	for len(rest) > 0 && rest[0] != "(" && !strings.EqualFold(rest[0], "USING") {
		if !strings.EqualFold(rest[0], "ONLY") {
			p.table += rest[0]
		}
		rest = rest[1:]
	}
	if len(rest) > 2 && strings.EqualFold(rest[0], "USING") {
		p.method, rest = rest[1], rest[2:]
	}
	keys, rest := inParentheses(rest)
	for _, key := range commas(keys) {
		p.parts = append(p.parts, keyPart(key))
	}
	p.keys = strings.Join(keys, " ")
	if len(rest) > 1 && strings.EqualFold(rest[0], "INCLUDE") {
		keys, rest = inParentheses(rest[1:])
		p.include = strings.Join(keys, " ")
		for _, key := range commas(keys) {
			p.parts = append(p.parts, keyPart(key))
		}
	}
	if len(rest) > 1 && strings.EqualFold(rest[0], "WHERE") {
		p.where, rest = strings.Join(rest[1:], " "), nil
	}
	return p, p.table != "" && len(p.parts) > 0 && len(rest) == 0
}

// wordsOf are what SQL is made of, without a semicolon at its end; none where a part of it is not closed.
func wordsOf(sql string) (words []string) {
	for _, t := range sqlscan.Significant(sql) {
		if t.Fault != "" {
			return nil
		}
		words = append(words, sql[t.Start:t.End])
	}
	if len(words) > 0 && words[len(words)-1] == ";" {
		words = words[:len(words)-1]
	}
	return words
}

// inParentheses are the words up to the parenthesis that closes the first one, and those after it.
func inParentheses(words []string) (inner, rest []string) {
	depth := 0
	for i, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 {
			return words[min(1, i):i], words[i+1:]
		}
	}
	return nil, words
}

// commas cuts words at the commas outside of parentheses.
func commas(words []string) (all [][]string) {
	depth, start := 0, 0
	for i, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				all, start = append(all, words[start:i]), i+1
			}
		}
	}
	if start < len(words) {
		all = append(all, words[start:])
	}
	return all
}

// keyPart is the column, the call or the expression that a key of an index begins with.
func keyPart(words []string) string {
	end := 0
	for end < len(words) && words[end] != "(" && (end == 0 || words[end] == "." || words[end-1] == ".") {
		end++
	}
	if end < len(words) && words[end] == "(" {
		inner, _ := inParentheses(words[end:])
		end += len(inner) + 2
	}
	return strings.Join(words[:end], " ")
}

// Query reads what the index would be of, so that a guard can decide on it.
func (p *Proposed) Query() string {
	sql := "SELECT " + strings.Join(p.parts, ", ") + " FROM " + p.table
	if p.where != "" {
		sql += " WHERE " + p.where
	}
	return sql
}

// SQL is the index without a name.
func (p *Proposed) SQL() string { return written("CREATE INDEX", *p) }

func written(command string, p Proposed) string {
	sql := command + " ON " + p.table
	if p.method != "" {
		sql += " USING " + p.method
	}
	sql += " (" + p.keys + ")"
	if p.include != "" {
		sql += " INCLUDE (" + p.include + ")"
	}
	if p.where != "" {
		sql += " WHERE " + p.where
	}
	return sql
}
