package plan

import "slices"

// fewValues is how many values a column may have for an index on the rows of one of them.
const fewValues = 20

// Candidates are the indexes that may serve what a plan looks for: conditions, joins, orders, and parts of a table.
// Those
// that the tables have are left out, and tables that are read as fast without one.
func (p *Plan) Candidates(f *Facts) []Candidate {
	var all []Candidate
	for _, n := range p.Nodes() {
		t := f.of(n)
		if !n.scan() || t.Pages < fewPages || len(t.Columns) == 0 {
			continue
		}
		for _, c := range n.candidates(t) {
			if !t.serves(c) {
				all = Add(all, c)
			}
		}
	}
	return all
}

// Add adds a candidate; one of another partition joins the same one.
func Add(all []Candidate, c Candidate) []Candidate {
	if c.Scanned == nil {
		c.Scanned = []*Table{c.Table}
	}
	for i := range all {
		if all[i].SQL() == c.SQL() {
			for _, t := range c.Scanned {
				if !slices.Contains(all[i].Scanned, t) {
					all[i].Scanned = append(all[i].Scanned, t)
				}
			}
			return all
		}
	}
	return append(all, c)
}

func (n *Node) candidates(t *Table) (all []Candidate) {
	conds := append(conditions(n.Filter, n.Alias, t), conditions(n.IndexCond, n.Alias, t)...)
	conds = append(conds, conditions(n.Recheck, n.Alias, t)...)
	for _, part := range conds {
		if part.any {
			for _, either := range split(part.text, "OR") {
				all = n.indexesFor(all, conditions(either, n.Alias, t), t)
			}
		}
	}
	all = n.indexesFor(all, conds, t)
	for a := n.parent; a != nil; a = a.parent {
		for _, joined := range conditions(a.HashCond, n.Alias, t) {
			all = n.joinCandidates(all, joined, conds, t)
		}
		for _, joined := range append(conditions(a.MergeCond, n.Alias, t), conditions(a.JoinFilter, n.Alias, t)...) {
			all = n.joinCandidates(all, joined, conds, t)
		}
	}
	for _, joined := range conds { // of a nested loop or a subquery
		if !joined.constant {
			all = n.joinCandidates(all, joined, conds, t)
		}
	}
	return n.orderCandidates(all, conds, t)
}

// indexesFor are the indexes on all the conditions, on each of them, and on the rows that meet one.
func (n *Node) indexesFor(all []Candidate, conds []condition, t *Table) []Candidate {
	if c, ok := forFilter(conds, n.Alias, t); ok {
		all = Add(all, c)
	}
	for i, one := range conds {
		if c, ok := forFilter(conds[i:i+1], n.Alias, t); ok {
			all = Add(all, c)
		}
		if values := t.distinct(one.column); one.constant && one.op == "=" && !one.wrapped && values > 0 &&
			values <= fewValues {
			rest := append(slices.Clone(conds[:i]), conds[i+1:]...)
			if c, ok := forFilter(rest, n.Alias, t); ok && c.Method == "" {
				c.Where = bare(one.text, n.Alias)
				all = Add(all, c)
			}
		}
	}
	return all
}

func (n *Node) joinCandidates(all []Candidate, joined condition, conds []condition, t *Table) []Candidate {
	if joined.column == "" || joined.wrapped || joined.op != "=" || joined.right == "" {
		return all
	}
	key := t.key(joined.column)
	all = Add(all, Candidate{Table: t, On: t.whole(), Keys: []string{key}})
	if c, ok := forFilter(conds, n.Alias, t); ok && c.Method == "" && !slices.Contains(c.Keys, key) {
		all = Add(all, Candidate{Table: t, On: t.whole(), Keys: append([]string{key}, c.Keys...)})
	}
	return all
}

// orderCandidates serve the order that the rows of the scan are brought into.
func (n *Node) orderCandidates(all []Candidate, conds []condition, t *Table) []Candidate {
	for a := n.parent; a != nil; a = a.parent {
		if a.Type != "Sort" && a.Type != "Incremental Sort" {
			continue
		}
		order, ok := forOrder(a.SortKey, n.Alias, t)
		if !ok {
			break
		}
		all = Add(all, order)
		equal := slices.DeleteFunc(slices.Clone(conds), func(c condition) bool { return !c.equality() })
		if c, ok := forFilter(equal, n.Alias, t); ok && c.Method == "" {
			keys := slices.DeleteFunc(slices.Clone(order.Keys), func(k string) bool { return slices.Contains(c.Keys, k) })
			all = Add(all, Candidate{Table: t, On: t.whole(), Keys: append(c.Keys, keys...)})
		}
		break
	}
	return all
}

// serves reports an index of the table that begins with the keys of the candidate.
func (t *Table) serves(c Candidate) bool {
	return slices.ContainsFunc(t.Indexes, func(i *Index) bool {
		return i.Valid && i.Predicate == "" && i.Method == c.method() && len(i.Keys) >= len(c.Keys) &&
			slices.Equal(i.Keys[:len(c.Keys)], c.Keys)
	})
}

func (c Candidate) method() string {
	if c.Method == "" {
		return "btree"
	}
	return c.Method
}

// Plain are the indexes for hypopg, on the tables that are scanned.
func (c Candidate) Plain() (all []string) {
	for _, t := range c.Scanned {
		c.On = t.Written
		all = append(all, c.create("CREATE INDEX"))
	}
	return all
}

// Replaced are indexes that are not needed beside the candidate: it begins with their keys.
func (c Candidate) Replaced() (names []string) {
	for _, i := range c.Table.Indexes {
		if i.spare() && i.Predicate == "" && c.Where == "" && i.Method == c.method() && len(i.Keys) <= len(c.Keys) &&
			slices.Equal(i.Keys, c.Keys[:len(i.Keys)]) {
			names = append(names, i.Written)
		}
	}
	return names
}

// spare reports an index that is only there for speed.
func (i *Index) spare() bool { return !i.Unique && !i.Constraint }

// Duplicates are the indexes that another one of the table begins with.
func (t *Table) Duplicates() (all []string) {
	for a, i := range t.Indexes {
		for b, other := range t.Indexes {
			same := i.Method == other.Method && i.Predicate == other.Predicate && i.Valid && other.Valid && i.spare()
			shorter := len(i.Keys) < len(other.Keys) || len(i.Keys) == len(other.Keys) && (a > b || !other.spare())
			if a != b && same && shorter && i.Method == "btree" && slices.Equal(i.Keys, other.Keys[:min(len(i.Keys),
				len(other.Keys))]) {
				all = append(all, i.Written+" is covered by "+other.Name)
				break
			}
		}
	}
	return all
}
