package sqlscan

import "slices"

// xmlByContext is the name of the construct that Analyze notes for an XML value in a place where PostgreSQL may take a
// constant or a parameter for XML too, and parse it: COALESCE, UNION and arrays give all that they hold one type. A
// value that is cast to text, or stands within another or in the list of the outermost SELECT, gives its type to
// nothing.
const xmlByContext = "XML value without ::text"

// WideRow is the name of the construct of a ROW with more than maxRow values. PostgreSQL keeps the type of each row
// until the end of the session.
const (
	WideRow = "ROW of more than 100 values"
	maxRow  = 100
)

var textTypes = []string{"text", "varchar", "bpchar"}

// xml notes XML values that n holds or is.
func (w *walker) xml(n *node) {
	switch {
	case n.kind == "TypeCast":
		if names := n.field("typeName").names("names"); len(names) > 0 && slices.Contains(textTypes, names[len(names)-1]) {
			w.settle(n.field("arg"))
		}
	case n.kind == "XmlExpr":
		w.settleAll(n.field("args"))
		w.settleAll(n.field("named_args"))
	case calls(n, "xmlagg"):
		args := n.field("args")
		if args == nil || args.first.kind != "ColumnRef" && !isXML(args.first) {
			w.constructs.add(Object{Name: xmlByContext}, n.offset("location"))
		}
		w.settleAll(args)
	}
	if isXML(n) && !w.settled[n] {
		w.constructs.add(Object{Name: xmlByContext}, n.offset("location"))
	}
}

// outermost settles the values of the list that a statement gives or inserts.
func (w *walker) outermost(n *node) {
	if n.kind == "InsertStmt" {
		n = n.field("selectStmt")
	}
	if n != nil && n.kind == "SelectStmt" && n.field("larg") == nil {
		w.settleAll(n.field("targetList"))
	}
}

func (w *walker) settleAll(list *node) {
	if list == nil {
		return
	}
	for k := list.first; k != nil; k = k.next {
		if k.kind == "ResTarget" {
			w.settle(k.field("val"))
			continue
		}
		w.settle(k)
	}
}

func (w *walker) settle(n *node) {
	if n == nil || !isXML(n) {
		return
	}
	if w.settled == nil {
		w.settled = map[*node]bool{}
	}
	w.settled[n] = true
}

// isXML reports a value of type xml by its syntax.
func isXML(n *node) bool {
	if n.kind == "XmlExpr" {
		return n.value("op") != "IS_DOCUMENT"
	}
	return calls(n, "xmlagg", "xmlcomment")
}

// calls reports a call of one of PostgreSQL's own functions, as far as its name tells.
func calls(n *node, functions ...string) bool {
	if n.kind != "FuncCall" {
		return false
	}
	names := n.names("funcname")
	return len(names) > 0 && slices.Contains(functions, names[len(names)-1])
}

// row notes a ROW that is too wide.
func (w *walker) row(n *node) {
	count := 0
	if args := n.field("args"); args != nil {
		for k := args.first; k != nil; k = k.next {
			count++
		}
	}
	if count > maxRow {
		w.constructs.add(Object{Name: WideRow}, n.offset("location"))
	}
}
