package sqlscan

// write visits INSERT, UPDATE, DELETE and MERGE. What they write to is never a common table expression.
func (w *walker) write(n *node) {
	w.enter(n.field("withClause"))
	defer w.leave(n.field("withClause"))
	var ops Operation
	switch n.kind {
	case "InsertStmt":
		ops = insertOps(n)
	case "UpdateStmt":
		ops = OpUpdate | reading(n, "targetList", "fromClause", "whereClause")
	case "DeleteStmt":
		ops = OpDelete | reading(n, "usingClause", "whereClause")
	case "MergeStmt":
		ops = OpSelect | mergeOps(n)
	}
	w.relation(n.field("relation"), ops|reading(n, "returningList"))
	w.parts(n, "withClause", "relation")
}

// insertOps are what INSERT does to its target: to look for conflicts is to read it.
func insertOps(n *node) Operation {
	conflict := n.field("onConflictClause")
	switch {
	case conflict == nil:
		return OpInsert
	case conflict.value("action") == "ONCONFLICT_UPDATE":
		return OpInsert | OpUpdate | OpSelect
	case conflict.field("infer") != nil:
		return OpInsert | OpSelect
	}
	return OpInsert
}

func mergeOps(n *node) Operation {
	var ops Operation
	clauses := n.field("mergeWhenClauses")
	if clauses == nil {
		return ops
	}
	for k := clauses.first; k != nil; k = k.next {
		switch k.value("commandType") {
		case "CMD_INSERT":
			ops |= OpInsert
		case "CMD_UPDATE":
			ops |= OpUpdate
		case "CMD_DELETE":
			ops |= OpDelete
		}
	}
	return ops
}

// reading is OpSelect if one of the parts reads a column: it could be one of the target, for which PostgreSQL wants the
// right to select.
func reading(n *node, parts ...string) Operation {
	for _, key := range parts {
		if n.field(key).readsColumn() {
			return OpSelect
		}
	}
	return 0
}

func (n *node) readsColumn() bool {
	if n == nil {
		return false
	}
	if n.kind == "ColumnRef" || n.kind == "CurrentOfExpr" {
		return true
	}
	for k := n.first; k != nil; k = k.next {
		if k.readsColumn() {
			return true
		}
	}
	return false
}
