package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Parameters in places where they are none, or do nothing.

var (
	nameInText  = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.@])@([a-z_][a-z0-9_]*)`) // not that of an e-mail address
	paramInText = regexp.MustCompile(`"\$([0-9]+)"`)
)

// namesInText finds the names of parameters within strings and quoted identifiers.
func namesInText(sql string, tokens []sqlscan.Token, names []string) []sqlFault {
	var found []sqlFault
	for _, t := range tokens {
		if t.Kind != sqlscan.String && t.Kind != sqlscan.Quoted {
			continue
		}
		text := sql[t.Start:t.End]
		for _, at := range nameInText.FindAllStringSubmatchIndex(text, -1) {
			start, end := at[2]-1, at[3]
			if slices.Contains(names, text[at[2]:end]) {
				found = append(found, sqlFault{t.Start + start, notThere(text, start, end)})
			}
		}
	}
	return found
}

// notThere says what to write instead of the name at text[start:end].
func notThere(text string, start, end int) string {
	name := text[start:end]
	if strings.HasSuffix(text, `"`) {
		return name + " within a quoted identifier is no parameter: " +
			"want the name of the table or column written out, a parameter stands for a value"
	}
	const longest = 60
	if text[0] != '\'' || len(text) > longest || strings.ContainsAny(text, "\n") {
		return name + " within a string is no parameter: want it outside, joined by ||"
	}
	joined := text[:start] + "' || " + name + " || '" + text[end:]
	joined = strings.TrimSuffix(strings.TrimPrefix(joined, "'' || "), " || ''")
	return fmt.Sprintf("%s within a string is no parameter: did you mean %s?", name, joined)
}

// text warns of names within strings and quoted identifiers.
func (l *linter) text() {
	names := callerNames()
	for i, n := range names {
		names[i] = n[1:]
	}
	for _, found := range namesInText(l.tool.SQL, sqlscan.LexTool(l.tool.SQL), append(names, paramNames(l.tool)...)) {
		line, col := l.tool.origin.file.position(l.tool.origin.base + found.offset)
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

// misplaced words a syntax error at a parameter, which the message calls $1.
func (c *compilation) misplaced(position int, problem string) string {
	at := paramInText.FindStringSubmatch(problem)
	if at == nil || !strings.HasPrefix(problem, "syntax error") {
		return problem
	}
	n, _ := strconv.Atoi(at[1])
	if n < 1 || n > len(c.args) {
		return problem
	}
	name := "@" + c.args[n-1]
	switch before := c.before(position); before {
	case "from", "join", "into", "update", "table", "only":
		return name + " is in the place of a table: want the name written out, a parameter stands for a value"
	case "interval", "date", "time", "timestamp", "timestamptz":
		return fmt.Sprintf("syntax error at %s: want %s::%s, a parameter is no literal", name, name, before)
	}
	return "syntax error at " + name + ": a parameter stands for a value, it can't be a name or a keyword"
}

// before is the word before the parameter at a position of the compiled SQL, in lower case.
func (c *compilation) before(position int) string {
	src := -1
	for _, p := range c.pieces {
		if p.out >= position {
			break
		}
		src = p.src
	}
	word := ""
	for _, t := range c.tokens {
		if t.Start >= src {
			break
		}
		if t.Significant() {
			word = c.sql[t.Start:t.End]
		}
	}
	return strings.ToLower(word)
}
