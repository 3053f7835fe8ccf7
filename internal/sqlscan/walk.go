package sqlscan

import (
	"slices"
	"strconv"
	"strings"
)

// walker collects what a statement names. It visits every part of the tree.
type walker struct {
	st  *Statement
	err error
	// position turns bytes from 0 into characters from 1.
	position func(int) int

	hidden    map[string]int   // how many common table expressions of that name can be read here
	relations map[Relation]int // places in st.Relations

	functions, operators, types, constructs collection

	settled map[*node]bool // XML values whose type nothing else takes

	columns columns
}

// collection is objects, each once; their positions are bytes from 0 until the walk is done.
type collection struct {
	all  []Object
	seen map[Object]bool
}

func (c *collection) add(o Object, offset int) {
	if c.seen[o] {
		return
	}
	if c.seen == nil {
		c.seen = map[Object]bool{}
	}
	c.seen[o] = true
	// Cloned, so that the tree can go.
	c.all = append(c.all, Object{strings.Clone(o.Schema), strings.Clone(o.Name), o.Field, o.Syntax, offset})
}

func (c *collection) join(all []Object) {
	for _, o := range all {
		at := o.Position
		o.Position = 0
		c.add(o, at)
	}
}

// addNamed adds what names call: the last is the object, the one before it its schema.
func (c *collection) addNamed(names []string, offset int) {
	if n := len(names); n > 1 {
		c.add(Object{Schema: names[n-2], Name: names[n-1]}, offset)
	} else if n == 1 {
		c.add(Object{Name: names[0]}, offset)
	}
}

// parts visits the parts of n except for those named, which have been visited.
func (w *walker) parts(n *node, but ...string) {
	for k := n.first; k != nil; k = k.next {
		if !slices.Contains(but, k.key) {
			w.walk(k, locks{})
		}
	}
}

// walk visits n and all of its parts. The locks are those on what stands in FROM; expressions within have none.
func (w *walker) walk(n *node, l locks) {
	if n == nil {
		return
	}
	switch n.kind {
	case "SelectStmt":
		w.selectStatement(n, l)
	case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		w.st.Changes++
		w.write(n)
	case "RangeVar":
		w.source(n, l)
	case "JoinExpr":
		w.join(n, l)
	case "RangeSubselect":
		w.columns.renamed(n, &w.st.Columns)
		w.walk(n.field("subquery"), l.below(n))
		w.parts(n, "subquery")
	case "RangeTableSample":
		w.walk(n.field("relation"), l)
		w.functions.addNamed(n.names("method"), n.offset("location"))
		w.parts(n, "relation", "method")
	default:
		w.expression(n)
		w.parts(n)
	}
}

// expression notes what n names. Its parts are visited by walk.
func (w *walker) expression(n *node) {
	w.xml(n)
	w.columns.note(n, &w.st.Columns)
	switch at := n.offset("location"); n.kind {
	case "":
	case "A_Expr":
		w.operator(n)
	case "A_Indirection":
		w.fields(n.field("indirection"), -1)
	case "CaseExpr":
		if arg := n.field("arg"); arg != nil {
			w.operators.add(Object{Name: "="}, at)
		}
	case "ColumnRef":
		w.column(n.field("fields"), at)
	case "FuncCall":
		w.call(n.names("funcname"), at)
	case "MergeSupportFunc":
		w.functions.add(Object{Name: "merge_action", Syntax: 170000}, at)
	case "ParamRef":
		number, _ := strconv.Atoi(n.value("number")) // none is $0
		w.st.Params = append(w.st.Params, number)
	case "ResTarget": // a field in it is one to write
	case "RowExpr":
		w.row(n)
	case "SortBy":
		w.operators.addNamed(n.names("useOp"), at)
	case "SubLink":
		w.subLink(n)
	case "TypeCast": // the type is a part
		w.literal(n)
	case "TypeName":
		w.typeName(n.names("names"), at)
	default:
		w.construct(n, at)
	}
}

// typeName notes a type. Before PostgreSQL 17 json is a name like others.
func (w *walker) typeName(names []string, at int) {
	w.types.addNamed(names, at)
	if slices.Equal(names, []string{"pg_catalog", "json"}) {
		w.types.add(Object{Name: "json", Syntax: 170000}, at)
	}
}

// construct notes a part of the language that makes XML or JSON. A node that is not known is refused.
func (w *walker) construct(n *node, at int) {
	if name, ok := construct(n); ok {
		if at < 0 {
			at = n.field("constructor").offset("location") // of an aggregate
		}
		w.constructs.add(Object{Name: name}, at)
		w.younger(name, at)
	} else if !plain[n.kind] {
		w.refuse(n.kind)
	}
}

// literal refuses a parameter as the text of a literal, as in date $1: this grammar takes it, PostgreSQL does not.
func (w *walker) literal(cast *node) {
	arg, of := cast.field("arg"), cast.field("typeName").offset("location")
	if at := arg.offset("location"); w.err == nil && arg != nil && arg.kind == "ParamRef" && of >= 0 && of < at {
		w.err = &SyntaxError{Message: `syntax error at or near "$` + arg.value("number") + `"`, Position: w.position(at)}
	}
}

func (w *walker) refuse(kind string) {
	if w.err == nil {
		w.err = &UnsupportedError{kind}
	}
}

// call notes a called function. The grammar takes json_object for syntax that means pg_catalog; before PostgreSQL 16 it
// is a name like others.
func (w *walker) call(names []string, at int) {
	w.functions.addNamed(names, at)
	if len(names) == 2 && names[1] == "json_object" {
		w.younger("JSON_OBJECT", at)
	}
}

// younger notes syntax that a server older than the grammar reads as a call of a function with that name.
func (w *walker) younger(construct string, at int) {
	switch construct {
	case "JSON_OBJECT", "JSON_ARRAY", "JSON_OBJECTAGG", "JSON_ARRAYAGG":
		w.functions.add(Object{Name: strings.ToLower(construct), Syntax: 160000}, at)
	case "JSON", "JSON_SCALAR", "JSON_SERIALIZE", "JSON_EXISTS", "JSON_QUERY", "JSON_VALUE":
		w.functions.add(Object{Name: strings.ToLower(construct), Syntax: 170000}, at)
	}
}

// column notes the last part of a name with dots, as in t.f: what stands before it is a table.
func (w *walker) column(parts *node, at int) {
	for k := parts.first; k != nil; k = k.next {
		if k != parts.first && k.next == nil {
			w.fields(&node{first: k}, at)
		}
	}
}

// fields notes names behind a dot: each can be a column, or a function that is called with what stands before it.
func (w *walker) fields(list *node, at int) {
	for k := list.first; k != nil; k = k.next {
		if k.kind == "String" {
			w.functions.add(Object{Name: k.value("sval"), Field: true}, at)
		}
	}
}

// operator notes the operators of an expression; those of BETWEEN are implied.
func (w *walker) operator(n *node) {
	at := n.offset("location")
	switch kind := strings.TrimSuffix(n.value("kind"), "_SYM"); kind {
	case "AEXPR_BETWEEN":
		w.operators.add(Object{Name: ">="}, at)
		w.operators.add(Object{Name: "<="}, at)
	case "AEXPR_NOT_BETWEEN":
		w.operators.add(Object{Name: "<"}, at)
		w.operators.add(Object{Name: ">"}, at)
	default:
		w.operators.addNamed(n.names("name"), at)
	}
}

// subLink notes the operator of ANY and ALL; that of IN is implied.
func (w *walker) subLink(n *node) {
	names := n.names("operName")
	if len(names) == 0 && n.value("subLinkType") == "ANY_SUBLINK" {
		names = []string{"="}
	}
	w.operators.addNamed(names, n.offset("location"))
}
