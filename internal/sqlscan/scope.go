package sqlscan

import (
	"slices"
	"strings"
)

// scope is one common table expression that can be read where it stands, and those further out.
type scope struct {
	name  string
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return true
		}
	}
	return false
}

// with visits the WITH clause of a statement and gives the scope of the statement. Without RECURSIVE a query of it sees
// only the ones before it; the same name in itself, or one that comes later, is a table.
func (w *walker) with(clause *node, s *scope) *scope {
	ctes := clause.field("ctes")
	if ctes == nil {
		return s
	}
	recursive := clause.field("recursive") != nil
	if recursive {
		for k := ctes.first; k != nil; k = k.next {
			s = &scope{k.value("ctename"), s}
		}
	}
	for k := ctes.first; k != nil; k = k.next {
		if k.kind != "CommonTableExpr" {
			w.refuse(k.kind)
		}
		w.parts(k, context{scope: s})
		if !recursive {
			s = &scope{k.value("ctename"), s}
		}
	}
	return s
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
func (w *walker) selectStatement(n *node, c context) {
	c.scope = w.with(n.field("withClause"), c.scope)
	own := locksOf(n)
	c.locks = locks{c.locks.all || own.all, own.of}
	if into := n.field("intoClause"); into != nil {
		w.st.Into = true
		w.relation(into.field("rel"), OpInsert)
	}
	if from := n.field("fromClause"); from != nil {
		for k := from.first; k != nil; k = k.next {
			w.walk(k, c)
		}
	}
	for _, arm := range []string{"larg", "rarg"} {
		w.walk(n.field(arm), context{c.scope, locks{all: c.locks.all}})
	}
	w.parts(n, c, "withClause", "lockingClause", "intoClause", "fromClause", "larg", "rarg")
}

// source visits a relation that is read, unless it is a common table expression.
func (w *walker) source(n *node, c context) {
	name := n.value("relname")
	if n.field("schemaname") == nil && c.scope.has(name) {
		return
	}
	if alias := n.field("alias"); alias != nil {
		name = alias.value("aliasname")
	}
	if c.locks.covers(name) {
		w.relation(n, OpSelect|OpLock)
	} else {
		w.relation(n, OpSelect)
	}
}

// join visits a join. USING and NATURAL compare with the operator = that the search path gives.
func (w *walker) join(n *node, c context) {
	w.walk(n.field("larg"), c)
	w.walk(n.field("rarg"), c)
	if n.field("usingClause") != nil || n.field("isNatural") != nil {
		w.operators.add(Object{Name: "="}, -1)
	}
	w.parts(n, c, "larg", "rarg")
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
			strings.Clone(r.Catalog), strings.Clone(r.Schema), strings.Clone(r.Name), 0, n.offset("location")}) // cloned, so that the tree can go
	}
	known := &w.st.Relations[i]
	known.Ops |= ops
	known.Position = min(known.Position, n.offset("location"))
}
