package sqlscan

import (
	"slices"
	"strings"
)

// enter visits the WITH clause of a statement, and makes its common table expressions hide tables of their names until
// leave. Without RECURSIVE a query of it sees only the ones before it: its own name, or one that comes later, is a
// table.
func (w *walker) enter(clause *node) {
	ctes := clause.field("ctes")
	if ctes == nil {
		return
	}
	recursive := clause.field("recursive") != nil
	if recursive {
		w.hide(ctes, 1)
	}
	for k := ctes.first; k != nil; k = k.next {
		if k.kind != "CommonTableExpr" {
			w.refuse(k.kind)
		}
		w.st.Every = w.st.Every || k.field("aliascolnames") != nil
		w.parts(k)
		if !recursive {
			w.hidden[k.value("ctename")]++
		}
	}
}

func (w *walker) leave(clause *node) {
	if ctes := clause.field("ctes"); ctes != nil {
		w.hide(ctes, -1)
	}
}

func (w *walker) hide(ctes *node, by int) {
	for k := ctes.first; k != nil; k = k.next {
		w.hidden[k.value("ctename")] += by
	}
}

// locks are the row locks of a SELECT on what its FROM names.
type locks struct {
	all bool
	of  []string
}

// locksOf reads the locking clauses. The names in them are aliases and name no table.
func locksOf(n *node) locks {
	var l locks
	clauses := n.field("lockingClause")
	if clauses == nil {
		return l
	}
	for k := clauses.first; k != nil; k = k.next {
		rels := k.field("lockedRels")
		if rels == nil {
			l.all = true
			continue
		}
		for r := rels.first; r != nil; r = r.next {
			l.of = append(l.of, r.value("relname"))
		}
	}
	return l
}

// covers reports whether what is known by that name is locked.
func (l locks) covers(alias string) bool { return l.all || slices.Contains(l.of, alias) }

// below are the locks within a sub-select in FROM: a lock on it is one on all that it reads.
func (l locks) below(n *node) locks {
	return locks{all: l.covers(n.field("alias").value("aliasname"))}
}

// selectStatement visits SELECT, VALUES, TABLE and set operations of them.
func (w *walker) selectStatement(n *node, outer locks) {
	w.enter(n.field("withClause"))
	defer w.leave(n.field("withClause"))
	l := locksOf(n)
	l.all = l.all || outer.all
	if into := n.field("intoClause"); into != nil {
		w.st.Into = true
		w.relation(into.field("rel"), OpInsert)
	}
	if from := n.field("fromClause"); from != nil {
		for k := from.first; k != nil; k = k.next {
			w.walk(k, l)
		}
	}
	w.columns.arms(n, &w.st.Columns)
	for _, arm := range []string{"larg", "rarg"} {
		w.walk(n.field(arm), locks{all: l.all})
	}
	w.parts(n, "withClause", "lockingClause", "intoClause", "fromClause", "larg", "rarg")
}

// source visits a relation that is read, unless it is a common table expression.
func (w *walker) source(n *node, l locks) {
	name := n.value("relname")
	w.columns.source(n, &w.st.Columns)
	if n.field("schemaname") == nil && w.hidden[name] > 0 {
		return
	}
	if alias := n.field("alias"); alias != nil {
		name = alias.value("aliasname")
	}
	if l.covers(name) {
		w.relation(n, OpSelect|OpLock)
	} else {
		w.relation(n, OpSelect)
	}
}

// join visits a join. USING and NATURAL compare with the operator = that the search path gives.
func (w *walker) join(n *node, l locks) {
	w.columns.joined(n, &w.st.Columns)
	w.walk(n.field("larg"), l)
	w.walk(n.field("rarg"), l)
	if n.field("usingClause") != nil || n.field("isNatural") != nil {
		w.operators.add(Object{Name: "="}, -1)
	}
	w.parts(n, "larg", "rarg")
}

// relation notes a relation.
func (w *walker) relation(n *node, ops Operation) {
	if n == nil {
		return
	}
	r := Relation{Catalog: n.value("catalogname"), Schema: n.value("schemaname"), Name: n.value("relname")}
	i, seen := w.relations[r]
	if !seen {
		i = len(w.st.Relations)
		w.relations[r] = i
		w.st.Relations = append(w.st.Relations, Relation{
			// cloned, so that the tree can go
			strings.Clone(r.Catalog), strings.Clone(r.Schema), strings.Clone(r.Name), 0, n.offset("location")})
	}
	known := &w.st.Relations[i]
	known.Ops |= ops
	known.Position = min(known.Position, n.offset("location"))
}
