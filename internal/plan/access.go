package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What is worth a finding: rows that are read in vain, and which part of those that are read; and pages below which a
// table is read as fast as an index.
const (
	manyRows = 2000
	mostPart = 0.9
	fewPages = 64
)

func join(keys []string) string { return strings.Join(keys, ", ") }

// wasted is how many rows a scan reads and throws away, counted or estimated, and whether these are most.
func (r *reading) wasted(n *Node) (removed float64, most bool) {
	if n.Filter == "" {
		return 0, false
	}
	t := r.facts.of(n)
	if n.Type == "Seq Scan" && len(t.Columns) > 0 && t.Pages < fewPages && n.loops(r.Analyzed) < 20 {
		return 0, false // an index would not be faster
	}
	if r.Analyzed {
		removed = n.Removed * n.Loops
		return removed, removed >= manyRows && n.Removed >= mostPart*(n.Removed+n.ActualRows)
	}
	if n.Type != "Seq Scan" || t.Rows < 0 {
		return 0, false
	}
	removed = t.Rows - n.Rows
	return removed, removed >= manyRows && removed >= mostPart*t.Rows
}

// repeated reports a scan within a loop that loopsOver speaks of.
func (r *reading) repeated(n *Node) bool {
	return n.Type == "Seq Scan" && n.loops(r.Analyzed) >= 20 && r.driver(n) != nil
}

// driver is the nested loop, or the node with a subquery, that runs the node again and again; nil is none.
func (r *reading) driver(n *Node) *Node {
	for c := n; c.parent != nil; c = c.parent {
		if c.Relationship == "Inner" && c.parent.Type == "Nested Loop" || c.Relationship == "SubPlan" && !c.hashed() {
			return c.parent
		}
		if c.Relationship == "InitPlan" || c.parent.Type == "Hash" {
			return nil
		}
	}
	return nil
}

// loopsOver is about a table that is read in full again and again.
func (r *reading) loopsOver(n *Node) *Finding {
	above := r.driver(n)
	if above == nil || n.Type != "Seq Scan" && n.Type != "Materialize" || n.parent.Type == "Materialize" {
		return nil
	}
	scan := n
	for scan.Type != "Seq Scan" && len(scan.Children) == 1 {
		scan = scan.Children[0]
	}
	runs := n.loops(r.Analyzed)
	each := scan.Rows + scan.Removed
	if t := r.facts.of(scan); !r.Analyzed && scan.Relation != "" {
		each = max(t.Rows, scan.Rows)
	}
	if runs < 20 || runs*each < 50_000 {
		return nil
	}
	f := &Finding{Message: fmt.Sprintf("%s is read in full %s times, %s each time.", scan.source(), number(runs),
		rows(each))}
	if n.Type == "Materialize" && above.Type == "Nested Loop" {
		if above.JoinFilter == "" {
			return nil // product speaks of it
		}
		f.Weight = int(100 * r.share(above))
	}
	t := r.facts.of(scan)
	r.joinIndex(f, above, scan, t)
	if above.Type != "Nested Loop" && strings.Contains(above.Filter, "NOT ") && n.Type == "Materialize" {
		f.Message += " NOT IN has to compare each row with each."
		f.SQL, f.Ask = nil, "Can it be NOT EXISTS (SELECT FROM ... WHERE ... = ...)? The planner makes a join of that; "+
			"NULLs count differently."
	}
	return f
}

// joinIndex proposes an index for the condition that joins a scan to what drives it.
func (r *reading) joinIndex(f *Finding, above, scan *Node, t *Table) {
	var keys []string
	for _, c := range append(conditions(scan.Filter, scan.Alias, t), conditions(above.JoinFilter, scan.Alias, t)...) {
		if c.column == "" || c.op != "=" {
			continue
		}
		if key := keyOf(c, scan.Alias, t); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	switch {
	case len(keys) > 0 && scan.Relation != "" && t.leading(keys[0]) == nil:
		f.SQL = []string{Candidate{Table: t, On: t.whole(), Keys: keys}.SQL()}
	case above.Type != "Nested Loop":
		f.Ask = "Can the subquery be a join, or be computed once for all rows?"
	default:
		f.Ask = "The condition of the join (" + short(above.JoinFilter) + ") is no equality, so every pair is compared. " +
			"Can a column be compared with =, " +
			"or is it a range type with a GiST index?"
	}
}

// joined is about a table that is read in full for the few rows that the other side of a join has.
func (r *reading) joined(n *Node) *Finding {
	if n.Type != "Hash Join" && n.Type != "Merge Join" {
		return nil
	}
	rows := func(c *Node) float64 {
		if r.Analyzed {
			return c.ActualRows
		}
		return c.Rows
	}
	for i, c := range n.Children {
		scan := c
		for len(scan.Children) == 1 && scan.Relation == "" {
			scan = scan.Children[0]
		}
		t := r.facts.of(scan)
		other := n.Children[len(n.Children)-1-i]
		if scan.Type != "Seq Scan" || t.Pages < fewPages || rows(scan) < manyRows || max(rows(other),
			rows(n)) > rows(scan)/50 {
			continue
		}
		for _, c := range conditions(n.HashCond+n.MergeCond, scan.Alias, t) {
			if c.column != "" && !c.wrapped && c.op == "=" && t.leading(t.key(c.column)) == nil {
				return &Finding{Message: fmt.Sprintf("%s is read in full to join %s with it.", scan.Relation, count(rows(other),
					"row")),
					SQL: []string{Candidate{Table: t, On: t.whole(), Keys: []string{t.key(c.column)}}.SQL()}}
			}
		}
	}
	return nil
}

// source is what a scan reads, for a message.
func (n *Node) source() string {
	switch {
	case n.Relation != "":
		return n.Relation
	case n.CTE != "":
		return n.CTE
	}
	return "The result of " + n.title()
}

// product is about a join without a condition.
func (r *reading) product(n *Node) *Finding {
	if n.Type != "Nested Loop" || n.JoinFilter != "" || n.returned(r.Analyzed) < 50_000 {
		return nil
	}
	outer, inner := n.child("Outer"), n.child("Inner")
	if outer == nil || inner == nil || max(outer.Rows, outer.ActualRows) < 20 || inner.Type != "Materialize" &&
		inner.Type != "Seq Scan" {
		return nil
	}
	scan := inner
	for len(scan.Children) == 1 {
		scan = scan.Children[0]
	}
	if n.above("Nested Loop") != nil && n.parent.Type == "Nested Loop" || scan.Filter != "" &&
		strings.Count(scan.Filter, ".") > 1 &&
		!onlyOf(scan.Filter, scan.Alias) {
		return nil
	}
	return &Finding{Message: fmt.Sprintf("Every row of one side meets every row of the other (%s): no condition joins "+
		"them.",
		rows(n.returned(r.Analyzed))), Ask: "Which columns join " + scan.source() +
		" to the others? A condition is missing, or was meant for another table."}
}

// onlyOf reports a condition on columns of one alias alone.
func onlyOf(text, alias string) bool {
	for _, m := range reference.FindAllStringSubmatch(withoutStrings(text), -1) {
		if strings.Trim(m[1], `"`) != alias {
			return false
		}
	}
	return true
}

// wrapped is about a condition that no index on the column serves.
func (r *reading) wrapped(n *Node) *Finding {
	_, most := r.wasted(n)
	if !n.scan() || !most || r.repeated(n) {
		return nil
	}
	t := r.facts.of(n)
	for _, c := range conditions(n.Filter, n.Alias, t) {
		switch {
		case c.column == "" || method(c) != "":
		case (c.op == "~~" || c.op == "~~*") && c.constant:
			return pattern(c, n, t)
		case c.wrapped && c.constant && (c.equality() || c.ordered()):
			return rewrite(c, n, t)
		}
	}
	return nil
}

// pattern is about LIKE and ILIKE.
func pattern(c condition, n *Node, t *Table) *Finding {
	key := bare(c.left, n.Alias)
	if c.wrapped {
		key = "(" + key + ")"
	}
	if text := strings.TrimPrefix(c.right, "'"); c.op == "~~" && !strings.HasPrefix(text, "%") &&
		!strings.HasPrefix(text, "_") {
		return &Finding{Message: "A prefix is looked for in " + short(c.left) + ", and no index is in the order of its " +
			"characters.",
			SQL: []string{fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s (%s text_pattern_ops)", t.whole(), key)}}
	}
	return &Finding{Message: "No btree serves " + short(c.text) + ": the pattern may begin anywhere, or in any case.",
		SQL: []string{"CREATE EXTENSION IF NOT EXISTS pg_trgm",
			fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s USING gin (%s gin_trgm_ops)", t.whole(), key)}}
}

var dateCast = regexp.MustCompile(`^\((.+)\)::date$|^date_trunc\(|^date_part\(|^EXTRACT\(`)

// converted is a column that was given the type of a value.
var converted = regexp.MustCompile(`^\([^()]+\)::(numeric|double precision|bigint|integer|text)$`)

// rewrite is about a function or cast around a column.
func rewrite(c condition, n *Node, t *Table) *Finding {
	f := &Finding{}
	name := t.key(c.column)
	f.Message = fmt.Sprintf("%s is an expression about %s", short(c.left), name)
	if index := t.leading(name); index != nil {
		f.Message += ", so the index " + index.Name + " is not used."
	} else {
		f.Message += ", which no index on the column would serve."
	}
	switch kind := t.typeOf(c.column); {
	case dateCast.MatchString(c.left):
		f.Ask = fmt.Sprintf("Can the condition be a range, %s >= ... AND %s < ...? Then an index on %s serves it.", name,
			name, name)
		if t.leading(name) == nil {
			f.SQL = []string{Candidate{Table: t, On: t.whole(), Keys: []string{name}}.SQL()}
		}
	case converted.MatchString(c.left):
		f.Ask = fmt.Sprintf("Can the value be given as %s, the type of the column? Then nothing is converted.", kind)
	default:
		f.SQL = []string{Candidate{Table: t, On: t.whole(), Keys: []string{"(" + bare(c.left, n.Alias) + ")"}}.SQL()}
	}
	return f
}

// filter is about a scan that throws most rows away.
func (r *reading) filter(n *Node) *Finding {
	removed, most := r.wasted(n)
	if !n.scan() || !most || r.repeated(n) || r.wrapped(n) != nil {
		return nil
	}
	t := r.facts.of(n)
	f := &Finding{Message: fmt.Sprintf("%s are read and thrown away for %s: filter %s.", rows(removed),
		rows(n.returned(r.Analyzed)), short(n.Filter))}
	all := conditions(n.Filter, n.Alias, t)
	if len(all) == 1 && all[0].any {
		return r.either(f, all[0], n, t)
	}
	index, ok := forFilter(append(conditions(n.IndexCond, n.Alias, t), all...), n.Alias, t)
	if sort := n.walkOrder(t); ok && index.Method == "" && sort != nil {
		index.Keys = append(index.Keys, slices.DeleteFunc(sort, func(k string) bool {
			return slices.Contains(index.Keys,
				k)
		})...)
	}
	switch {
	case !ok && len(all) == 1 && all[0].column == "" && strings.Contains(n.Filter, "SubPlan"):
		f.Ask = "The filter is a subquery. Can it be a join or EXISTS?"
	case !ok:
		index.Keys = nil
		r.partial(f, all, n, t)
	case n.Type == "Seq Scan" && index.Method == "" && len(index.Keys) == 1 && t.leading(index.Keys[0]) != nil:
		f.Message += " The index " + t.leading(index.Keys[0]).Name + " is not used."
		f.Ask = "What does the plan cost with the index (settings: enable_seqscan=off)? If it is faster, lower " +
			"random_page_cost (1.1 on SSD) or mend the estimate."
	default:
		f.SQL = []string{index.SQL()}
	}
	return f
}

// walkOrder is the order of an index scan that a LIMIT reads until it has enough; nil is none.
func (n *Node) walkOrder(t *Table) []string {
	if n.Type != "Index Scan" || n.IndexCond != "" || n.above("Limit") == nil {
		return nil
	}
	for _, i := range t.Indexes {
		if i.Name == n.Index {
			return slices.Clone(i.Keys)
		}
	}
	return nil
}

// either is about conditions that OR joins.
func (r *reading) either(f *Finding, c condition, n *Node, t *Table) *Finding {
	f.Message += " OR needs an index for each of its conditions."
	for _, part := range split(c.text, "OR") {
		index, ok := forFilter(conditions(part, n.Alias, t), n.Alias, t)
		switch {
		case !ok:
			f.SQL, f.Ask = nil, "Can the statement be a UNION of one SELECT for each condition?"
			return f
		case t.leading(index.Keys[0]) == nil:
			f.SQL = append(f.SQL, index.SQL())
		}
	}
	return f
}

// partial proposes an index on few rows for conditions that no key serves, such as <>.
func (r *reading) partial(f *Finding, all []condition, n *Node, t *Table) {
	for _, c := range all {
		if c.column != "" && (c.constant || c.op != "" && c.right == "" || c.op == "") && !c.any {
			f.SQL = []string{Candidate{Table: t, On: t.whole(), Keys: []string{t.key(c.column)}, Where: bare(c.text,
				n.Alias)}.SQL()}
			return
		}
	}
	f.Ask = "Which condition could be one on a column, so that an index serves it?"
}

// order is about the first rows of an order for which all rows are sorted.
func (r *reading) order(n *Node) *Finding {
	if n.Type != "Sort" || n.above("Limit") == nil || len(n.Children) != 1 {
		return nil
	}
	limit := n.above("Limit")
	if !slices.Contains([]*Node{n.parent, n.parent.parent}, limit) {
		return nil
	}
	scan, many := n.Children[0], n.Children[0].Rows
	wanted := limit.Rows
	if r.Analyzed {
		many, wanted = scan.ActualRows, limit.ActualRows
	}
	if !scan.scan() || many < 5000 || wanted > many/20 {
		return nil
	}
	t := r.facts.of(scan)
	index, ok := forOrder(n.SortKey, scan.Alias, t)
	if !ok {
		return nil
	}
	equal, _ := forFilter(conditions(scan.Filter, scan.Alias, t), scan.Alias, t)
	if equal.Method == "" {
		index.Keys = append(equal.Keys, slices.DeleteFunc(index.Keys,
			func(k string) bool { return slices.Contains(equal.Keys, k) })...)
	}
	return &Finding{Message: fmt.Sprintf("%s are sorted for the first %s: an index in this order gives them at once.",
		rows(many), number(wanted)), SQL: []string{index.SQL()}}
}

// offset is about rows that are made and skipped.
func (r *reading) offset(n *Node) *Finding {
	if n.Type != "Limit" || !r.Analyzed || len(n.Children) != 1 {
		return nil
	}
	skipped := n.Children[0].ActualRows - n.ActualRows
	if skipped < manyRows || skipped < mostPart*n.Children[0].ActualRows {
		return nil
	}
	return &Finding{Message: fmt.Sprintf("OFFSET makes %s and skips them for %s.", rows(skipped), rows(n.ActualRows)),
		Ask: "Can the next page begin after the last row seen, WHERE (key) > (last key) ORDER BY key LIMIT n?"}
}
