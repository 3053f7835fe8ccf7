package sqlscan

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// PostgreSQL computes all rows of a function in FROM before it gives the first, but the rows of one in a select list as
// they are wanted. Only functions of pg_catalog whose rows are single values without a name are moved there, as "FROM
// f(1) AS a" into "FROM (SELECT f(1)) AS a(a)".
var streamed = []string{"generate_series", "generate_subscripts", "regexp_split_to_table", "string_to_table"}

// plainFunctions give one value each: they may stand in the arguments of a function that is moved.
var plainFunctions = []string{"array_length", "cardinality", "date_trunc", "length", "make_date", "now"}

// StreamFunctions rewrites a plain SELECT from a single function that returns a set so that PostgreSQL gives its first
// rows at once; the result stays the same. shift gives the position in sql for one in the rewritten SQL, both in
// characters from
// 1. It is not ok where there is nothing to rewrite, or any doubt.
func StreamFunctions(sql string) (rewritten string, shift func(position int) int, ok bool) {
	if !mentionsStreamed(sql) {
		return "", nil, false
	}
	if _, err := CheckLimits(sql, MaxBytes); err != nil {
		return "", nil, false
	}
	n, err := parse(sql)
	if err != nil || !isPlainSelect(n) {
		return "", nil, false
	}
	function := onlyItem(n.field("fromClause"))
	call := streamedCall(function)
	if call == nil {
		return "", nil, false
	}
	item, ok := readItem(sql, call.offset("location"))
	if !ok || !readsValuesOnly(n, function.field("alias"), call) {
		return "", nil, false
	}
	rewritten, shift = item.move(sql)
	return rewritten, shift, true
}

func mentionsStreamed(sql string) bool {
	lower := strings.Map(lower, sql)
	return slices.ContainsFunc(streamed, func(name string) bool { return strings.Contains(lower, name) })
}

// isPlainSelect reports whether the first rows of a SELECT need only the first rows of its FROM.
func isPlainSelect(n *node) bool {
	if n.kind != "SelectStmt" || n.value("op") != "SETOP_NONE" {
		return false
	}
	for k := n.first; k != nil; k = k.next {
		switch k.key {
		case "targetList", "fromClause", "whereClause", "limitOffset", "limitCount", "limitOption", "op":
		default:
			return false
		}
	}
	return n.value("limitOption") != "LIMIT_OPTION_WITH_TIES"
}

func onlyItem(list *node) *node {
	if list == nil || list.first == nil || list.first.next != nil {
		return nil
	}
	return list.first
}

// streamedCall is the call in a FROM item that is nothing but a call of one of the functions.
func streamedCall(item *node) *node {
	if item == nil || item.kind != "RangeFunction" {
		return nil
	}
	for k := item.first; k != nil; k = k.next {
		if k.key != "functions" && k.key != "alias" {
			return nil
		}
	}
	pair := onlyItem(item.field("functions")) // of the call and its column definitions
	if pair == nil || pair.field("items") == nil || pair.field("items").first == nil {
		return nil
	}
	call := pair.field("items").first
	if call.kind == "FuncCall" && isCallOf(call, streamed) && hasPlainArguments(call.field("args")) {
		return call
	}
	return nil
}

// isCallOf reports whether a call is one of a function of pg_catalog, with nothing but arguments.
func isCallOf(call *node, functions []string) bool {
	for k := call.first; k != nil; k = k.next {
		if !slices.Contains([]string{"funcname", "args", "funcformat", "location"}, k.key) {
			return false
		}
	}
	names := call.names("funcname")
	return slices.Contains(functions, names[len(names)-1]) &&
		(len(names) == 1 || len(names) == 2 && names[0] == "pg_catalog")
}

// hasPlainArguments reports whether arguments mean the same in a select list as in FROM: they hold no aggregates and no
// sets.
func hasPlainArguments(n *node) bool {
	if n == nil {
		return true
	}
	switch n.kind {
	case "", "A_Const", "A_Expr", "A_ArrayExpr", "Boolean", "CoalesceExpr", "Float", "Integer", "ParamRef",
		"SQLValueFunction", "String", "TypeCast", "TypeName":
	case "FuncCall":
		if !isCallOf(n, plainFunctions) {
			return false
		}
	case "SubLink":
		return n.value("subLinkType") == "EXPR_SUBLINK"
	default:
		return false
	}
	for k := n.first; k != nil; k = k.next {
		if !hasPlainArguments(k) {
			return false
		}
	}
	return true
}

// readsValuesOnly reports whether no part of the statement reads the item as a row: for PostgreSQL the row of such a
// function is its value, but the row of a sub-select is not.
func readsValuesOnly(n, alias, call *node) bool {
	names := call.names("funcname")
	table := names[len(names)-1]
	if alias != nil {
		table = alias.value("aliasname")
	}
	column := table
	if columns := alias.names("colnames"); len(columns) == 1 {
		column = columns[0]
	} else if len(columns) > 1 {
		return false
	}
	for k := n.field("targetList").children(); k != nil; k = k.next {
		if val := k.field("val"); val != nil && val.isColumn(table, "*") {
			continue
		} else if !val.readsColumnOnly(table, column) {
			return false
		}
	}
	for _, key := range []string{"whereClause", "fromClause", "limitCount", "limitOffset"} {
		if !n.field(key).readsColumnOnly(table, column) {
			return false
		}
	}
	return true
}

func (n *node) children() *node {
	if n == nil {
		return nil
	}
	return n.first
}

// isColumn reports whether n is the name table.column; * is all columns.
func (n *node) isColumn(table, column string) bool {
	parts := n.field("fields").children()
	if n.kind != "ColumnRef" || parts.value("sval") != table || parts.next == nil || parts.next.next != nil {
		return false
	}
	return parts.next.kind == "A_Star" && column == "*" || parts.next.kind == "String" &&
		parts.next.value("sval") == column
}

func (n *node) readsColumnOnly(table, column string) bool {
	if n == nil {
		return true
	}
	if n.kind == "ColumnRef" && n.field("fields").children().value("sval") == table {
		alone := n.field("fields").first.next == nil
		return alone && table == column || n.isColumn(table, column)
	}
	for k := n.first; k != nil; k = k.next {
		if !k.readsColumnOnly(table, column) {
			return false
		}
	}
	return true
}

// fromItem is where a FROM item stands: sql[start:call] is the call, and sql[call:end] its alias.
type fromItem struct {
	start, call, end int
	alias, column    string // as they are written
}

// readItem reads an item that starts with a call and ends with its SELECT or before WHERE and the like.
func readItem(sql string, start int) (fromItem, bool) {
	l := lexer{sql: sql, pos: start}
	item := fromItem{start: start}
	text := func() string { // the next token that means something
		for l.pos < len(sql) {
			from := l.pos
			if kind, _ := l.next(); kind != Space && kind != Comment {
				return sql[from:l.pos]
			}
		}
		return ""
	}
	token := text()
	for ; token != "" && token != "("; token = text() {
		item.alias = token // the last part of the function's name
	}
	for depth := 1; depth > 0; {
		switch text() {
		case "(":
			depth++
		case ")":
			depth--
		case "":
			return item, false
		}
	}
	item.call, item.end = l.pos, l.pos
	token = text()
	if strings.EqualFold(token, "as") {
		token = text()
	}
	if !endsItem(token) {
		item.alias, item.end = token, l.pos
		token = text()
	}
	item.column = item.alias
	if token == "(" {
		item.column = text()
		if text() != ")" {
			return item, false
		}
		item.end = l.pos
		token = text()
	}
	return item, endsItem(token)
}

func endsItem(token string) bool {
	return slices.Contains([]string{"", ";", "where", "limit", "offset", "fetch"}, strings.ToLower(token))
}

// move writes the item as a sub-select, and says where positions in the result are in sql.
func (f fromItem) move(sql string) (string, func(int) int) {
	const head = "(SELECT "
	tail := ") AS " + f.alias + "(" + f.column + ")"
	before := utf8.RuneCountInString(sql[:f.start])
	callEnd := before + len(head) + utf8.RuneCountInString(sql[f.start:f.call])
	tailEnd := callEnd + utf8.RuneCountInString(tail)
	longer := len(head) + utf8.RuneCountInString(tail) - utf8.RuneCountInString(sql[f.call:f.end])
	shift := func(position int) int {
		switch {
		case position <= before:
			return position
		case position <= before+len(head), callEnd < position && position <= tailEnd:
			return before + 1
		case position <= callEnd:
			return position - len(head)
		}
		return position - longer
	}
	return sql[:f.start] + head + sql[f.start:f.call] + tail + sql[f.end:], shift
}
