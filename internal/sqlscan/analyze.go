package sqlscan

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Analyze parses SQL with PostgreSQL's own grammar and says what the statement is and what it touches. SQL that the
// grammar refuses, or that is not exactly one statement, gives a *SyntaxError; one with a part that is not known here
// gives an *UnsupportedError; one that CheckLimits refuses, a *LimitError. Of commands other than SELECT, INSERT,
// UPDATE, DELETE, MERGE and SHOW it says no more than their name.
func Analyze(sql string) (*Statement, error) {
	if _, err := CheckLimits(sql, MaxBytes); err != nil {
		return nil, err
	}
	n, err := parse(sql)
	if err != nil {
		return nil, err
	}
	st := &Statement{}
	if n.kind == "ExplainStmt" {
		st.Explain, st.Analyze = true, analyzes(n)
		n = n.field("query")
	}
	st.Command = command(n)
	switch st.Command {
	case "SHOW":
		st.Settings = []string{strings.ToLower(n.value("name"))}
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE":
		err = st.collect(n, sql)
		st.Returns = st.Command == "SELECT" && !st.Into || n.field("returningList") != nil
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// collect walks over the tree.
func (st *Statement) collect(n *node, sql string) error {
	toPosition := positions(sql)
	w := walker{st: st, position: toPosition, hidden: map[string]int{}, relations: map[Relation]int{}}
	w.outermost(n)
	w.walk(n, locks{})
	w.columns.finish(&st.Columns)
	if w.err != nil {
		return w.err
	}
	for i := range st.Relations {
		st.Relations[i].Position = toPosition(st.Relations[i].Position)
	}
	slices.SortStableFunc(st.Relations, func(a, b Relation) int { return cmp.Compare(a.Position, b.Position) })
	slices.Sort(st.Params)
	st.Params = slices.Compact(st.Params)
	st.Functions, st.Operators = w.functions.sorted(toPosition), w.operators.sorted(toPosition)
	st.Types, st.Constructs = w.types.sorted(toPosition), w.constructs.sorted(toPosition)
	return nil
}

func (c *collection) sorted(toPosition func(int) int) []Object {
	for i := range c.all {
		c.all[i].Position = toPosition(c.all[i].Position)
	}
	slices.SortStableFunc(c.all, func(a, b Object) int { return cmp.Compare(a.Position, b.Position) })
	return c.all
}

// positions gives the function from bytes, counted from 0, to characters, counted from 1; -1 becomes 0.
func positions(sql string) func(offset int) int {
	if utf8.RuneCountInString(sql) == len(sql) {
		return func(offset int) int { return offset + 1 }
	}
	characters := make([]int, len(sql)+1)
	count := 0
	for i := range sql {
		count++
		characters[i] = count
	}
	characters[len(sql)] = count + 1
	return func(offset int) int {
		if offset < 0 || offset > len(sql) {
			return 0
		}
		return characters[offset]
	}
}

// analyzes reports whether EXPLAIN runs its statement. PostgreSQL takes the last of several options; a value that it
// would refuse counts as yes.
func analyzes(n *node) bool {
	yes := false
	if options := n.field("options"); options != nil {
		for k := options.first; k != nil; k = k.next {
			if k.value("defname") == "analyze" {
				yes = !isFalse(k.field("arg"))
			}
		}
	}
	return yes
}

func isFalse(arg *node) bool {
	switch {
	case arg == nil:
		return false
	case arg.kind == "Integer":
		return arg.field("ival") == nil
	case arg.kind == "Boolean":
		return arg.value("boolval") != "true"
	}
	value := arg.value("sval")
	return strings.EqualFold(value, "false") || strings.EqualFold(value, "off")
}

// Writes reports whether running the statement changes data or locks rows. EXPLAIN that only plans does neither.
func (st *Statement) Writes() bool {
	if st.Explain && !st.Analyze {
		return false
	}
	if st.Command != "SELECT" && st.Command != "SHOW" || st.Into {
		return true
	}
	return slices.ContainsFunc(st.Relations, func(r Relation) bool { return r.Ops&^OpSelect != 0 })
}
