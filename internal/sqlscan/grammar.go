package sqlscan

import "strings"

// What the walk knows of PostgreSQL's grammar. Everything else is refused: a kind of node that a later version of
// PostgreSQL brings could read a table or call a function in a way that nobody has thought of here. A test holds both
// tables against the parser's own description of its nodes.

// plain are the kinds of nodes that name nothing by themselves: what matters of them are their parts.
var plain = set(`
	A_ArrayExpr A_Const A_Indices A_Star Alias BitString BoolExpr Boolean BooleanTest CTECycleClause CTESearchClause
	CaseWhen CoalesceExpr CollateClause ColumnDef DefElem Float GroupingFunc GroupingSet IndexElem InferClause Integer
	JsonAggConstructor JsonArgument JsonBehavior JsonFormat JsonKeyValue JsonOutput JsonReturning JsonTableColumn
	JsonTablePathSpec JsonValueExpr List LockingClause MergeWhenClause MinMaxExpr MultiAssignRef NamedArgExpr NullTest
	OnConflictClause RangeFunction RangeTableFuncCol RowExpr SQLValueFunction SetToDefault String WindowDef`)

// embedded are the fields that can hold only one kind of node.
var embedded = fields(map[string]string{
	"RawStmt": "ParseResult.stmts",

	"Alias": "JoinExpr.alias JoinExpr.join_using_alias JsonTable.alias RangeFunction.alias RangeSubselect.alias " +
		"RangeTableFunc.alias RangeVar.alias",
	"BitString":     "A_Const.bsval",
	"Boolean":       "A_Const.boolval",
	"CollateClause": "ColumnDef.collClause",
	"Float":         "A_Const.fval",
	"Integer":       "A_Const.ival",
	"IntoClause":    "SelectStmt.intoClause",
	"RangeVar": "ColumnDef.identitySequence DeleteStmt.relation InsertStmt.relation IntoClause.rel " +
		"MergeStmt.relation UpdateStmt.relation",
	"SelectStmt": "SelectStmt.larg SelectStmt.rarg",
	"String":     "A_Const.sval",
	"TypeName": "ColumnDef.typeName JsonOutput.typeName JsonTableColumn.typeName RangeTableFuncCol.typeName " +
		"TypeCast.typeName XmlSerialize.typeName",
	"WindowDef": "FuncCall.over JsonAggConstructor.over",
	"WithClause": "DeleteStmt.withClause InsertStmt.withClause MergeStmt.withClause SelectStmt.withClause " +
		"UpdateStmt.withClause",

	"CTECycleClause":   "CommonTableExpr.cycle_clause",
	"CTESearchClause":  "CommonTableExpr.search_clause",
	"InferClause":      "OnConflictClause.infer",
	"OnConflictClause": "InsertStmt.onConflictClause",

	"JsonAggConstructor": "JsonArrayAgg.constructor JsonObjectAgg.constructor",
	"JsonBehavior": "JsonFuncExpr.on_empty JsonFuncExpr.on_error JsonTable.on_error JsonTableColumn.on_empty " +
		"JsonTableColumn.on_error",
	"JsonFormat": "JsonArrayQueryConstructor.format JsonIsPredicate.format JsonReturning.format " +
		"JsonTableColumn.format JsonValueExpr.format",
	"JsonKeyValue": "JsonObjectAgg.arg",
	"JsonOutput": "JsonAggConstructor.output JsonArrayConstructor.output JsonArrayQueryConstructor.output " +
		"JsonFuncExpr.output JsonObjectConstructor.output " +
		"JsonParseExpr.output JsonScalarExpr.output JsonSerializeExpr.output",
	"JsonReturning":     "JsonOutput.returning",
	"JsonTablePathSpec": "JsonTable.pathspec JsonTableColumn.pathspec",
	"JsonValueExpr": "JsonArgument.val JsonArrayAgg.arg JsonFuncExpr.context_item JsonKeyValue.value " +
		"JsonParseExpr.expr JsonSerializeExpr.expr JsonTable.context_item",
})

// constructs are the kinds of nodes that run code of their own, as they are spelled; those that depend on more than the
// kind are spelled by construct.
var constructs = map[string]string{
	"JsonArrayAgg": "JSON_ARRAYAGG", "JsonArrayConstructor": "JSON_ARRAY", "JsonArrayQueryConstructor": "JSON_ARRAY",
	"JsonFuncExpr":    "",
	"JsonIsPredicate": "IS JSON", "JsonObjectAgg": "JSON_OBJECTAGG", "JsonObjectConstructor": "JSON_OBJECT",
	"JsonParseExpr":  "JSON",
	"JsonScalarExpr": "JSON_SCALAR", "JsonSerializeExpr": "JSON_SERIALIZE", "JsonTable": "JSON_TABLE",
	"RangeTableFunc": "XMLTABLE",
	"XmlExpr":        "", "XmlSerialize": "XMLSERIALIZE",
}

// construct spells the part of the language that n is.
func construct(n *node) (string, bool) {
	name, ok := constructs[n.kind]
	switch n.kind {
	case "XmlExpr":
		name = strings.Replace(strings.TrimPrefix(n.value("op"), "IS_"), "DOCUMENT", "IS DOCUMENT", 1)
	case "JsonFuncExpr":
		name = strings.TrimSuffix(n.value("op"), "_OP")
	}
	return name, ok
}

type fieldName struct{ parent, field string }

// embeddedIn is the kind of node in a field. The name for one that is not known is none of a kind.
func embeddedIn(parent, field string) string {
	if kind, ok := embedded[fieldName{parent, field}]; ok {
		return kind
	}
	return parent + "." + field
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

func fields(byKind map[string]string) map[fieldName]string {
	all := map[fieldName]string{}
	for kind, names := range byKind {
		for _, name := range strings.Fields(names) {
			parent, field, _ := strings.Cut(name, ".")
			all[fieldName{parent, field}] = kind
		}
	}
	return all
}
