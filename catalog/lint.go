package catalog

import (
	"fmt"
	"regexp"
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

// Lint gives warnings about a valid tool: what works, and may still be a mistake. It does not ask the database.
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

// token is a token that is no blank or comment, with the depth of parentheses that it is in.
type token struct {
	sqlscan.Token
	word  string // in lower case, unless quoted
	depth int
}

func significant(sql string) []token {
	tokens := sqlscan.LexTool(sql)
	all := make([]token, 0, len(tokens))
	depth := 0
	for _, t := range tokens {
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

// in reports whether the token is one of the words of a list.
func (t token) in(list string) bool { return slices.Contains(strings.Fields(list), t.word) }

func (l *linter) warn(line, col int, rule, format string, args ...any) {
	l.faults = append(l.faults,
		faults.Fault{Path: l.tool.Path, Line: line, Col: col, Rule: rule, Problem: fmt.Sprintf(format, args...)})
}

func (l *linter) warnOf(key, rule, format string, args ...any) {
	line, col := l.tool.KeyPosition(key)
	l.warn(line, col, rule, format, args...)
}

func (l *linter) warnParam(i int, rule, format string, args ...any) {
	node := l.tool.origin.file.params[i]
	l.warn(node.Line, node.Column, rule, format, args...)
}

// warnAt warns of a place in the SQL of the file.
func (l *linter) warnAt(offset int, rule, format string, args ...any) {
	line, col := l.tool.origin.file.Position(l.tool.origin.base + offset)
	l.warn(line, col, rule, format, args...)
}

// mostName is the longest name of a tool that every client takes: Cursor has 60 characters for it and the server's.
const mostName = 40

// hosts warns of what some client, or some API of a model, does not take.
func (l *linter) hosts() {
	if n := len(l.tool.Name); n > mostName {
		l.warnOf("name", "name_long", "the tool's name has %d characters: want at most %d, "+
			"some clients leave out a tool whose name is long", n, mostName)
	}
	for i, p := range l.tool.Params {
		if p.Enum != nil && !p.ListsTexts() {
			l.warnParam(i, "enum_type", "enum of param %s: want texts that are not empty, "+
				"APIs of models refuse others and only the description can say them", p.Name)
		}
	}
}

func (l *linter) descriptions() {
	// English has about four characters a token.
	tokens := func(text string) int { return (utf8.RuneCountInString(text) + 3) / 4 }
	const tooLong = " has about %d tokens: want at most %d, a model reads it with every request"
	if n := tokens(l.tool.Description); n > toolTokens {
		l.warnOf("description", "description_long", "description"+tooLong, n, toolTokens)
	}
	for i, p := range l.tool.Params {
		switch n := tokens(p.Description); {
		case n == 0:
			l.warnParam(i, "description_missing", "param %s has no description: "+
				"want what it means, a model has nothing else to go by", p.Name)
		case n > paramTokens:
			l.warnParam(i, "description_long", "description of param %s"+tooLong, p.Name, n, paramTokens)
		}
	}
}

// outer finds a word of the outermost query.
func (l *linter) outer(words string) (token, bool) {
	i := slices.IndexFunc(l.tokens, func(t token) bool { return t.depth == 0 && t.Kind == sqlscan.Word && t.in(words) })
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
	limit, limited := l.outer("limit fetch")
	order, ordered := l.outer("order")
	switch {
	case t.Page != nil && ordered:
		l.warnAt(order.Start, "page_order", "ORDER BY does not order the pages: "+
			"want the order in page.key, the server sorts by that")
	case t.Page != nil:
	case limited && !ordered:
		l.warnAt(limit.Start, "limit_order", "LIMIT without ORDER BY: "+
			"want an order, else the database chooses which rows come")
	case !limited && t.Limits.Rows == 0 && !l.oneRow():
		l.warnAt(l.tokens[0].Start, "no_limit", "no LIMIT, no page and no limits.rows: "+
			"want one, an answer that is too long is cut where it happens to be")
	}
}

// oneRow reports a query that returns one row: it reads no table, or only aggregates.
func (l *linter) oneRow() bool {
	if _, from := l.outer("from values table"); !from {
		return true
	}
	if _, grouped := l.outer("group over union"); grouped {
		return false
	}
	_, aggregates := l.outer("count sum avg min max bool_and bool_or every string_agg array_agg " +
		"json_agg jsonb_agg json_object_agg jsonb_object_agg")
	return aggregates
}

// star finds SELECT * from a table in the outermost query, and in those within one that has a star itself: a column
// that is added to the table would be in the answer.
func (l *linter) star() {
	if l.tool.Statement.Analysis == nil {
		return
	}
	outer := false
	for i, t := range l.tokens {
		if t.word != "*" || i == 0 || t.depth > 0 && !outer {
			continue
		}
		all := l.tokens[i-1].in("select all distinct returning . ,") // not count(*), not a product
		outer = outer || all && t.depth == 0
		exists := i > 2 && l.tokens[i-2].word == "(" && l.tokens[i-3].word == "exists" // of which nothing is in the answer
		if all && !exists && l.fromTable(i) {
			l.warnAt(t.Start, "select_star", "SELECT *: "+
				"want the columns by name, one that is added to the table would be in every answer")
		}
	}
}

// fromTable reports whether the query of the star reads a table by name, not only queries in it.
func (l *linter) fromTable(i int) bool {
	depth := l.tokens[i].depth
	for j := i; j+1 < len(l.tokens) && l.tokens[j].depth >= depth; j++ {
		if t := l.tokens[j]; t.depth == depth && t.in("from join") && l.isRelation(j+1) {
			return true
		}
	}
	return l.tool.Access == Write && depth == 0
}

// isRelation reports whether a name that starts at token i is that of a table.
func (l *linter) isRelation(i int) bool {
	if i+2 < len(l.tokens) && l.tokens[i+1].word == "." {
		i += 2
	}
	name := strings.Trim(l.tokens[i].word, `"`)
	isNamed := func(r sqlscan.Relation) bool { return r.Name == name }
	return slices.ContainsFunc(l.tool.Statement.Analysis.Relations, isNamed)
}

// like finds parameters in a LIKE pattern whose descriptions don't mention wildcards.
func (l *linter) like() {
	for i, t := range l.tokens {
		if t.Kind != sqlscan.Word || !t.in("like ilike") {
			continue
		}
		for _, p := range l.pattern(i + 1) {
			l.warnAt(p.Start, "like", "%s is used in %s as it is: want %% and _ in it escaped, "+
				"or its description to say that it is a pattern with wildcards", p.word, strings.ToUpper(t.word))
		}
	}
}

// pattern returns the parameters of the pattern that starts at token i, without those in the arguments of a function,
// which may escape them.
func (l *linter) pattern(i int) []token {
	var found []token
	if i >= len(l.tokens) {
		return nil
	}
	depth, calls := l.tokens[i].depth, 0
	for ; i < len(l.tokens) && l.tokens[i].depth >= depth; i++ {
		t, before := l.tokens[i], l.tokens[i-1]
		switch {
		case t.depth == depth && t.in("and or group order limit union then else end when , escape from where"):
			return found
		case t.word == "(" && before.Kind == sqlscan.Word && !before.in("like ilike"):
			calls = t.depth + 1
		case calls > 0 && t.depth < calls:
			calls = 0
		}
		if t.Kind == sqlscan.Param && calls == 0 && !l.isPattern(t.word[1:]) {
			found = append(found, t)
		}
	}
	return found
}

var aboutPattern = regexp.MustCompile(`(?i)pattern|wildcard|like`)

// isPattern reports a parameter that is meant as a pattern, or that an enum fixes.
func (l *linter) isPattern(name string) bool {
	i := slices.Index(paramNames(l.tool.Params), name)
	if i < 0 {
		return true
	}
	p := l.tool.Params[i]
	return p.Enum != nil || aboutPattern.MatchString(p.Name+" "+p.Description)
}

// owner finds tools that show names of the system catalogs to every caller.
func (l *linter) owner() {
	st := l.tool.Statement
	restricted := slices.Contains(st.Args, "caller_schemas") || slices.Contains(st.Args, "caller_tables")
	if l.tool.Trust != TrustOwner || st.Analysis == nil || restricted {
		return
	}
	if i := slices.IndexFunc(st.Analysis.Relations, listsObjects); i >= 0 {
		r := st.Analysis.Relations[i]
		l.faults = append(l.faults, l.tool.FaultAt(r.Position, "owner_catalog", "trust owner over "+r.Name+
			" without @caller_schemas: want (@caller_schemas IS NULL OR the schema = ANY (@caller_schemas)), "+
			"else every caller sees the names of all schemas"))
	}
}

// objectCatalogs are the system catalogs and views that list things in schemas. Settings, roles and the like belong to
// the whole server.
var objectCatalogs = regexp.MustCompile(`^pg_(class|attribute|namespace|proc|type|constraint|index|indexes|tables|` +
	`views|matviews|sequences|trigger|policies|policy|rules|rewrite|stats|statistic|enum|attrdef|description|depend|` +
	`inherits|sequence|publication_tables|stat_all_.*|stat_user_.*|statio_.*|stat_xact_.*)$`)

func listsObjects(r sqlscan.Relation) bool {
	return r.Schema == "information_schema" ||
		(r.Schema == "" || r.Schema == "pg_catalog") && objectCatalogs.MatchString(r.Name)
}

// text warns of names of parameters within strings and quoted identifiers.
func (l *linter) text() {
	names := slices.Concat(callerNames, paramNames(l.tool.Params))
	for _, found := range namesInText(l.tool.SQL, sqlscan.LexTool(l.tool.SQL), names) {
		l.warnAt(found.offset, "param_in_text", "%s", found.problem)
	}
}

// orderParam warns of rows that are to be ordered by a parameter.
func (l *linter) orderParam() {
	for i := 0; i+2 < len(l.tokens); i++ {
		if l.tokens[i].word != "order" || l.tokens[i+1].word != "by" {
			continue
		}
		for _, item := range l.list(i + 2) {
			if p, ok := bareParam(item); ok {
				l.warnAt(p.Start, "order_param", "ORDER BY %s orders nothing, it is one value for all rows: "+
					"want CASE %s WHEN 'name' THEN name ... END, or the column itself", p.word, p.word)
			}
		}
	}
}

// list returns the items of the list that starts at token i, up to the end of the clause.
func (l *linter) list(i int) [][]token {
	items, depth := [][]token{nil}, l.tokens[i].depth
	for ; i < len(l.tokens) && l.tokens[i].depth >= depth; i++ {
		switch t := l.tokens[i]; {
		case t.depth == depth && t.in(") ] limit offset fetch for union intersect except rows range groups"):
			return items
		case t.depth == depth && t.word == ",":
			items = append(items, nil)
		default:
			items[len(items)-1] = append(items[len(items)-1], t)
		}
	}
	return items
}

// bareParam reports an item of ORDER BY that is a parameter and nothing else: a cast and the direction don't count.
func bareParam(item []token) (token, bool) {
	item = slices.DeleteFunc(slices.Clone(item), func(t token) bool { return t.in("( ) asc desc nulls first last") })
	if len(item) == 0 || item[0].Kind != sqlscan.Param {
		return token{}, false
	}
	return item[0], len(item) == 1 || len(item) == 3 && item[1].word == "::"
}
