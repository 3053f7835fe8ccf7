package sqlscan

import (
	"slices"
	"strings"
)

// columns finds out which columns a statement can mean. Where that is not sure it is every one.
type columns struct {
	// targets are columns that a list only gives on under their name; values are those of lists that give a value to an
	// expression, or under other names.
	targets, values map[*node]bool
	sources, named  map[string]bool // names of tables in FROM, and all names of columns
}

// note looks at what is no table.
func (c *columns) note(n *node, found *Columns) {
	switch n.kind {
	case "A_ArrayExpr":
		found.Rows, found.Arrays = true, true
	case "A_Indirection":
		c.fields(n, found)
	case "ColumnRef":
		c.reference(n, found)
	case "ResTarget":
		if v := n.field("val"); v != nil && !c.values[v] && (n.value("name") == "" || n.value("name") == lastName(v)) {
			mark(&c.targets, v)
		}
	case "RowExpr":
		found.Rows = true
	case "SortBy":
		found.Every = found.Every || n.field("useOp") != nil
	case "SubLink":
		kind := n.value("subLinkType")
		if kind == "ARRAY_SUBLINK" {
			found.Rows, found.Arrays = true, true
		}
		if kind != "EXISTS_SUBLINK" {
			c.given(n.field("subselect"), found)
		}
	case "TypeName":
		names := n.names("names")
		array := n.field("arrayBounds") != nil || len(names) > 0 && strings.HasPrefix(names[len(names)-1], "_")
		found.Arrays = found.Arrays || array
	}
}

func mark[K comparable](set *map[K]bool, key K) {
	if *set == nil {
		*set = map[K]bool{}
	}
	(*set)[key] = true
}

// lastName is the name of a column without its table; empty for * and for what is no column.
func lastName(n *node) string {
	name := ""
	if n.kind == "ColumnRef" {
		for k := n.field("fields").first; k != nil; k = k.next {
			name = k.value("sval")
		}
	}
	return name
}

// reference notes a column, all columns of a table, or what may be a table as a whole.
func (c *columns) reference(n *node, found *Columns) {
	name := strings.Clone(lastName(n))
	mark(&c.named, name)
	switch {
	case c.targets[n]:
	case name == "":
		found.Every, found.Rows = true, true
	default:
		found.Names = append(found.Names, name)
	}
}

// fields notes columns of a row, as in (s).c, where s can be a subquery or a join.
func (c *columns) fields(n *node, found *Columns) {
	for k := n.field("indirection").first; k != nil; k = k.next {
		switch k.kind {
		case "A_Star":
			found.Every, found.Rows = true, true
		case "String":
			found.Names = append(found.Names, strings.Clone(k.value("sval")))
		}
	}
}

// source notes a table in FROM.
func (c *columns) source(n *node, found *Columns) {
	name := n.value("relname")
	if alias := n.field("alias"); alias != nil {
		name = alias.value("aliasname")
		c.renamed(n, found)
	}
	mark(&c.sources, strings.Clone(name))
}

// renamed notes other names for the columns of what stands in FROM.
func (c *columns) renamed(n *node, found *Columns) {
	found.Every = found.Every || n.field("alias").field("colnames") != nil
}

// joined notes the columns that a join compares.
func (c *columns) joined(n *node, found *Columns) {
	c.renamed(n, found)
	found.Every = found.Every || n.field("isNatural") != nil
	for _, name := range n.names("usingClause") {
		found.Names = append(found.Names, strings.Clone(name))
	}
}

// arms of a set operation give their columns names of another.
func (c *columns) arms(n *node, found *Columns) {
	if n.field("larg") != nil {
		c.given(n, found)
	}
}

// given notes the list of a query, or of its arms, that gives values to an expression or under other names.
func (c *columns) given(n *node, found *Columns) {
	if n == nil {
		return
	}
	if list := n.field("targetList"); list != nil {
		for k := list.first; k != nil; k = k.next {
			if v := k.field("val"); v != nil {
				mark(&c.values, v)
				found.Every = found.Every || v.kind == "ColumnRef" && lastName(v) == ""
			}
		}
	}
	c.given(n.field("larg"), found)
	c.given(n.field("rarg"), found)
}

// finish notes tables that are meant as a whole: PostgreSQL takes a name for that if no column has it.
func (c *columns) finish(found *Columns) {
	slices.Sort(found.Names)
	found.Names = slices.Compact(found.Names)
	for name := range c.sources {
		if c.named[name] {
			found.Every, found.Rows = true, true
		}
	}
}
