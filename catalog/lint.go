package catalog

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

// The most tokens that a description should have; a model reads those of every tool with every request.
const (
	toolTokens  = 150
	paramTokens = 60
)

// Lint gives warnings about a sound tool: what works, and may still be a mistake. What only the database knows is not in it.
func (t *Tool) Lint() faults.List {
	l := linter{tool: t, tokens: significant(t.SQL)}
	l.hosts()
	l.descriptions()
	l.limit()
	l.star()
	l.like()
	l.owner()
	l.text()
	l.orderParam()
	l.faults.Sort()
	return l.faults
}

type linter struct {
	tool   *Tool
	tokens []token
	faults faults.List
}

// token is a token that means something, with the depth of parentheses that it is in.
type token struct {
	sqlscan.Token
	word  string // in lower case, unless quoted
	depth int
}

func significant(sql string) []token {
	var all []token
	depth := 0
	for _, t := range sqlscan.LexTool(sql) {
		if !t.Significant() {
			continue
		}
		word := sql[t.Start:t.End]
		if t.Kind == sqlscan.Word {
			word = strings.ToLower(word)
		}
		if word == ")" || word == "]" {
			depth--
		}
		all = append(all, token{t, word, depth})
		if word == "(" || word == "[" {
			depth++
		}
	}
	return all
}

func (l *linter) warn(line, col int, rule, format string, args ...any) {
	l.faults = append(l.faults, faults.Fault{Path: l.tool.Path, Line: line, Col: col, Rule: rule, Problem: fmt.Sprintf(format, args...)})
}

func (l *linter) warnAt(t token, rule, format string, args ...any) {
	line, col := l.tool.origin.file.Position(l.tool.origin.base + t.Start)
	l.warn(line, col, rule, format, args...)
}

// tokens estimates the tokens of a text: English has about four characters a token.
func tokens(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }

// mostName is the longest name of a tool that fits everywhere: Cursor has 60 characters for it and the server's together.
const mostName = 40

// hosts looks at what some host or API of a model does not take.
func (l *linter) hosts() {
	if n := len(l.tool.Name); n > mostName {
		line, col := l.tool.KeyPosition("name")
		l.warn(line, col, "name_long", "the tool's name has %d characters: want at most %d, some clients leave out a tool whose name is long", n, mostName)
	}
	for i, p := range l.tool.Params {
		if p.Enum != nil && !p.ListsTexts() {
			node := l.tool.origin.file.params[i]
			l.warn(node.Line, node.Column, "enum_type", "enum of param %s: want texts that are not empty, "+
				"APIs of models refuse others and only the description can say them", p.Name)
		}
	}
}

func (l *linter) descriptions() {
	t := l.tool
	if n := tokens(t.Description); n > toolTokens {
		line, col := t.KeyPosition("description")
		l.warn(line, col, "description_long", "description has about %d tokens: want at most %d, a model reads it with every request", n, toolTokens)
	}
	for i, p := range t.Params {
		node := t.origin.file.params[i]
		switch n := tokens(p.Description); {
		case n == 0:
			l.warn(node.Line, node.Column, "description_missing", "param %s has no description: want what it means, a model has nothing else to go by", p.Name)
		case n > paramTokens:
			l.warn(node.Line, node.Column, "description_long", "description of param %s has about %d tokens: want at most %d, a model reads it with every request",
				p.Name, n, paramTokens)
		}
	}
}

// outer finds a word of the outermost query.
func (l *linter) outer(words ...string) (token, bool) {
	i := slices.IndexFunc(l.tokens, func(t token) bool { return t.depth == 0 && t.Kind == sqlscan.Word && slices.Contains(words, t.word) })
	if i < 0 {
		return token{}, false
	}
	return l.tokens[i], true
}

// limit looks at what bounds and orders the rows.
func (l *linter) limit() {
	t := l.tool
	if t.Result != Rows || t.Statement.Analysis == nil || t.Statement.Analysis.Command != "SELECT" {
		return
	}
	limit, limited := l.outer("limit", "fetch")
	order, ordered := l.outer("order")
	switch {
	case t.Page != nil && ordered:
		l.warnAt(order, "page_order", "ORDER BY does not order the pages: want the order in page.key, the server sorts by that")
	case t.Page != nil:
	case limited && !ordered:
		l.warnAt(limit, "limit_order", "LIMIT without ORDER BY: want an order, else the database chooses which rows come")
	case !limited && t.Limits.Rows == 0 && !l.oneRow():
		l.warnAt(l.tokens[0], "no_limit", "no LIMIT, no page and no limits.rows: want one, an answer that is too long is cut where it happens to be")
	}
}

// oneRow reports a query that gives one row: it reads from nothing, or only aggregates.
func (l *linter) oneRow() bool {
	if _, from := l.outer("from", "values", "table"); !from {
		return true
	}
	if _, grouped := l.outer("group", "over", "union"); grouped {
		return false
	}
	_, aggregates := l.outer("count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "string_agg", "array_agg",
		"json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg")
	return aggregates
}

// star finds SELECT * from a table in the outermost query, and in those within one that has a star itself: a column that is
// added would be in the answer unasked.
func (l *linter) star() {
	if l.tool.Statement.Analysis == nil {
		return
	}
	outer := false
	for i, t := range l.tokens {
		if t.word != "*" || i == 0 || t.depth > 0 && !outer {
			continue
		}
		before := l.tokens[i-1].word
		whole := before == "select" || before == "all" || before == "distinct" || before == "returning" || before == "." || before == ","
		outer = outer || whole && t.depth == 0
		if whole && !l.exists(i) && l.fromTable(i) {
			l.warnAt(t, "select_star", "SELECT *: want the columns by name, one that is added to the table would be in every answer")
		}
	}
}

// exists reports a star in EXISTS (SELECT * ...), which is no answer.
func (l *linter) exists(i int) bool {
	return i > 2 && l.tokens[i-2].word == "(" && l.tokens[i-3].word == "exists"
}

// fromTable reports whether the query of the star reads a table by name, not only queries in it.
func (l *linter) fromTable(i int) bool {
	depth := l.tokens[i].depth
	for j := i; j+1 < len(l.tokens) && l.tokens[j].depth >= depth; j++ {
		t, next := l.tokens[j], l.tokens[j+1]
		if t.depth == depth && (t.word == "from" || t.word == "join") && l.isRelation(next, j+1) {
			return true
		}
	}
	return l.tool.Access == Write && depth == 0
}

func (l *linter) isRelation(t token, i int) bool {
	if i+2 < len(l.tokens) && l.tokens[i+1].word == "." {
		t = l.tokens[i+2]
	}
	name := strings.Trim(t.word, `"`)
	return slices.ContainsFunc(l.tool.Statement.Analysis.Relations, func(r sqlscan.Relation) bool { return r.Name == name })
}

// like finds parameters in a LIKE pattern that say nothing about wildcards.
func (l *linter) like() {
	for i, t := range l.tokens {
		if t.Kind != sqlscan.Word || t.word != "like" && t.word != "ilike" {
			continue
		}
		for _, p := range l.pattern(i + 1) {
			l.warnAt(p, "like", "%s is used in %s as it is: want %% and _ in it escaped, or its description to say that it is a pattern with wildcards",
				p.word, strings.ToUpper(t.word))
		}
	}
}

// pattern gives the parameters of the pattern that starts at token i, without those inside of a function that may escape them.
func (l *linter) pattern(i int) []token {
	var found []token
	if i >= len(l.tokens) {
		return nil
	}
	depth, calls := l.tokens[i].depth, 0
	for ; i < len(l.tokens) && l.tokens[i].depth >= depth; i++ {
		t := l.tokens[i]
		switch {
		case t.depth == depth && endsPattern(t.word):
			return found
		case t.word == "(" && l.tokens[i-1].Kind == sqlscan.Word && l.tokens[i-1].word != "like" && l.tokens[i-1].word != "ilike":
			calls = t.depth + 1
		case calls > 0 && t.depth < calls:
			calls = 0
		}
		if t.Kind == sqlscan.Param && calls == 0 && !l.saysPattern(t.word[1:]) {
			found = append(found, t)
		}
	}
	return found
}

func endsPattern(word string) bool {
	switch word {
	case "and", "or", "group", "order", "limit", "union", "then", "else", "end", "when", ",", "escape", "from", "where":
		return true
	}
	return false
}

// saysPattern reports a parameter that is meant as a pattern, or one that is fixed by an enum.
func (l *linter) saysPattern(name string) bool {
	for _, p := range l.tool.Params {
		if p.Name == name {
			text := strings.ToLower(p.Name + " " + p.Description)
			return p.Enum != nil || strings.Contains(text, "pattern") || strings.Contains(text, "wildcard") || strings.Contains(text, "like")
		}
	}
	return true
}

// owner finds tools that show names of the catalogue to every caller.
func (l *linter) owner() {
	st := l.tool.Statement
	if l.tool.Trust != TrustOwner || st.Analysis == nil || slices.Contains(st.Args, "caller_schemas") || slices.Contains(st.Args, "caller_tables") {
		return
	}
	for _, r := range st.Analysis.Relations {
		if listsObjects(r) {
			l.faults = append(l.faults, l.tool.FaultAt(r.Position, "owner_catalog", "trust owner over "+r.Name+" without @caller_schemas: "+
				"want (@caller_schemas IS NULL OR the schema = ANY (@caller_schemas)), else every caller sees the names of all schemas"))
			return
		}
	}
}

// listsObjects reports a relation of the catalogue that tells of things in schemas. Settings, roles and the like are of the
// whole server.
func listsObjects(r sqlscan.Relation) bool {
	if r.Schema == "information_schema" {
		return true
	}
	if r.Schema != "" && r.Schema != "pg_catalog" {
		return false
	}
	switch r.Name {
	case "pg_class", "pg_attribute", "pg_namespace", "pg_proc", "pg_type", "pg_constraint", "pg_index", "pg_indexes", "pg_tables",
		"pg_views", "pg_matviews", "pg_sequences", "pg_trigger", "pg_policies", "pg_policy", "pg_rules", "pg_rewrite", "pg_stats",
		"pg_statistic", "pg_enum", "pg_attrdef", "pg_description", "pg_depend", "pg_inherits", "pg_sequence", "pg_publication_tables":
		return true
	}
	return strings.HasPrefix(r.Name, "pg_stat_all_") || strings.HasPrefix(r.Name, "pg_stat_user_") ||
		strings.HasPrefix(r.Name, "pg_statio_") || strings.HasPrefix(r.Name, "pg_stat_xact_")
}

// text warns of names within strings and quoted identifiers.
func (l *linter) text() {
	names := slices.Concat(callerNames, paramNames(l.tool.Params))
	for _, found := range namesInText(l.tool.SQL, sqlscan.LexTool(l.tool.SQL), names) {
		line, col := l.tool.origin.file.Position(l.tool.origin.base + found.offset)
		l.warn(line, col, "param_in_text", "%s", found.problem)
	}
}

// orderParam warns of a parameter that rows are to be ordered by.
func (l *linter) orderParam() {
	for i := 0; i+2 < len(l.tokens); i++ {
		if l.tokens[i].word != "order" || l.tokens[i+1].word != "by" {
			continue
		}
		for _, item := range l.listed(i + 2) {
			if p, ok := bareParam(item); ok {
				l.warnAt(p, "order_param", "ORDER BY %s orders nothing, it is one value for all rows: "+
					"want CASE %s WHEN 'name' THEN name ... END, or the column itself", p.word, p.word)
			}
		}
	}
}

// listed gives the items of the list that starts at token i, up to the end of the clause.
func (l *linter) listed(i int) [][]token {
	items, depth := [][]token{nil}, l.tokens[i].depth
	for ; i < len(l.tokens) && l.tokens[i].depth >= depth; i++ {
		t := l.tokens[i]
		if t.depth == depth {
			switch t.word {
			case ")", "]", "limit", "offset", "fetch", "for", "union", "intersect", "except", "rows", "range", "groups":
				return items
			case ",":
				items = append(items, nil)
				continue
			}
		}
		items[len(items)-1] = append(items[len(items)-1], t)
	}
	return items
}

// bareParam reports an item of ORDER BY that is a parameter and nothing else: a cast and the direction don't count.
func bareParam(item []token) (token, bool) {
	item = slices.DeleteFunc(slices.Clone(item), func(t token) bool { return slices.Contains(aroundParam, t.word) })
	switch {
	case len(item) == 0 || item[0].Kind != sqlscan.Param:
		return token{}, false
	case len(item) == 1:
		return item[0], true
	}
	return item[0], len(item) == 3 && item[1].word == "::"
}

var aroundParam = []string{"(", ")", "asc", "desc", "nulls", "first", "last"}
