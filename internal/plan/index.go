package plan

import (
	"slices"
	"strings"
)

// Candidate is an index that may help.
type Candidate struct {
	Table *Table
	// On is the name of the table as SQL writes it; Keys are columns, expressions in parentheses, with DESC and the like.
	On     string
	Method string // empty is btree
	Keys   []string
	Where  string // the predicate of a partial index
}

// SQL makes the index. A partitioned table takes no CONCURRENTLY.
func (c Candidate) SQL() string {
	if c.Table.Kind == "p" || c.Table.Parent != "" {
		return c.create("CREATE INDEX") + " /* blocks writes while it is built */"
	}
	return c.create("CREATE INDEX CONCURRENTLY")
}

// Plain is SQL for hypopg, on the table that is scanned.
func (c Candidate) Plain() string { return c.create("CREATE INDEX") }

func (c Candidate) create(command string) string {
	sql := command + " ON " + c.On
	if c.Method != "" {
		sql += " USING " + c.Method
	}
	sql += " (" + strings.Join(c.Keys, ", ") + ")"
	if c.Where != "" {
		sql += " WHERE " + c.Where
	}
	return sql
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

// forOrder is the index that gives rows in the order wanted; ok is false where the order is not of columns of the table.
func forOrder(keys []string, alias string, t *Table) (c Candidate, ok bool) {
	c = Candidate{Table: t, On: t.whole()}
	for _, key := range keys {
		column, direction := key, ""
		for _, word := range []string{" NULLS FIRST", " NULLS LAST", " DESC"} {
			if rest, cut := strings.CutSuffix(column, word); cut {
				column, direction = rest, word+direction
			}
		}
		name, wrapped := columnOf(unwrap(column), alias, t)
		if name == "" || wrapped {
			return c, false
		}
		c.Keys = append(c.Keys, t.key(name)+direction)
	}
	return c, len(c.Keys) > 0
}
