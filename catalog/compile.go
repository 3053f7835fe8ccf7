package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/sqlscan"
)

// compilation turns SQL with @name into a Statement.
type compilation struct {
	sql    string
	tokens []sqlscan.Token
	casts  map[string]string // the type of each known name; nil if the names are not known
	names  []string          // the names of casts that a message may suggest

	out    strings.Builder
	chars  int // characters in out
	args   []string
	pieces []piece
	faults []sqlFault
	broken bool // some token is not closed
}

// piece says where a part of the compiled SQL comes from.
type piece struct {
	out     int  // characters of compiled SQL before it
	src     int  // byte offset in the source
	literal bool // copied as it is; otherwise all of it comes from src
}

type sqlFault struct {
	offset  int
	problem string
}

func (c *compilation) fault(offset int, format string, args ...any) {
	c.faults = append(c.faults, sqlFault{offset, fmt.Sprintf(format, args...)})
}

// run compiles the SQL. Without faults the statement is in out and args.
func (c *compilation) run() {
	c.tokens = sqlscan.LexTool(c.sql)
	if c.lexicalFaults(); c.broken {
		return
	}
	start, end := c.statement()
	c.out.Grow(len(c.sql) + len(c.sql)/8)
	unknown := map[string]bool{}
	for i := start; i < end; i++ {
		t := c.tokens[i]
		word := c.sql[t.Start:t.End]
		switch {
		case t.Kind != sqlscan.Param:
			c.emit(word, piece{src: t.Start, literal: true})
		case c.casts == nil || unknown[word]:
		case c.casts[word[1:]] == "":
			unknown[word] = true
			c.fault(t.Start, "%s", c.unknown(word[1:]))
		default:
			c.param(i, word[1:])
		}
	}
}

// lexicalFaults reports the tokens that no statement can hold. After one that is not closed nothing is known.
func (c *compilation) lexicalFaults() {
	seen := map[string]bool{}
	for _, t := range c.tokens {
		word := c.sql[t.Start:t.End]
		switch {
		case t.Fault != "":
			c.broken = true
			c.fault(t.Start, "%s", t.Fault)
		case t.Kind == sqlscan.Positional && !seen[word]:
			seen[word] = true
			c.fault(t.Start, "positional parameter %s: want @name", word)
		}
	}
}

// statement returns the range of tokens that make up the one statement, and reports if there is none or another.
func (c *compilation) statement() (start, end int) {
	closed := false
	start = len(c.tokens)
	for i, t := range c.tokens {
		if t.Kind != sqlscan.Space {
			start = min(start, i)
		}
		switch {
		case t.Kind == sqlscan.Symbol && c.sql[t.Start:t.End] == ";":
			closed = closed || end > 0
		case !t.Significant():
		case closed:
			c.fault(t.Start, "second statement: want one")
			return start, end
		default:
			end = i + 1
		}
	}
	if end == 0 {
		c.fault(len(c.sql), "no SQL: want one statement")
	}
	return min(start, end), end
}

func (c *compilation) unknown(name string) string {
	if strings.HasPrefix(name, "caller_") {
		known := strings.ReplaceAll(faults.OneOf(callerNames), "caller_", "@caller_")
		return fmt.Sprintf("@%s is unknown: want %s", name, known)
	}
	return fmt.Sprintf("@%s is not declared%s", name, suggest(name, c.names))
}

func (c *compilation) emit(s string, p piece) {
	p.out = c.chars
	if last := len(c.pieces) - 1; last < 0 || !p.literal || !c.pieces[last].literal {
		c.pieces = append(c.pieces, p)
	}
	c.out.WriteString(s)
	c.chars += utf8.RuneCountInString(s)
}

// param writes $n::type, kept apart from what stands next to it.
func (c *compilation) param(i int, name string) {
	n := slices.Index(c.args, name)
	if n < 0 {
		n = len(c.args)
		c.args = append(c.args, name)
	}
	s := fmt.Sprintf("$%d::%s", n+1, c.casts[name])
	if c.extendsType(i + 1) {
		s = "(" + s + ")"
	}
	if so := c.out.String(); so != "" && sqlscan.IsWordPart(so[len(so)-1]) {
		s = " " + s
	}
	c.emit(s, piece{src: c.tokens[i].Start})
}

// extendsType reports whether what follows would be read as part of the type name in $n::type.
func (c *compilation) extendsType(i int) bool {
	for i < len(c.tokens) && !c.tokens[i].Significant() {
		i++
	}
	if i == len(c.tokens) {
		return false
	}
	switch word := c.sql[c.tokens[i].Start:c.tokens[i].End]; strings.ToLower(word) {
	case "[", "(", ".", "array", "year", "month", "day", "hour", "minute", "second", "with", "without":
		return true
	}
	return false
}

// cast is the PostgreSQL type that a parameter is bound as.
func (t Type) cast() string {
	if t.Array {
		return scalarTypes[t.Scalar].sql + "[]"
	}
	return scalarTypes[t.Scalar].sql
}

// callerNames are what the server binds from the identity of the caller.
var callerNames = []string{"caller_sub", "caller_role", "caller_claims", "caller_schemas", "caller_tables"}

// casts returns the PostgreSQL type of every name that the SQL of t may use.
func casts(t *Tool) map[string]string {
	all := map[string]string{"caller_sub": "text", "caller_role": "text", "caller_claims": "jsonb",
		"caller_schemas": "text[]", "caller_tables": "text[]", ArgNotes: "jsonb"}
	for _, p := range t.Params {
		all[p.Name] = cmp.Or(p.Type.cast(), "text") // a type that is wrong has been reported
	}
	return all
}

func (f *file) compilation(t *Tool, sql string, paramsKnown bool) *compilation {
	c := &compilation{sql: sql, names: paramNames(t.Params)}
	if paramsKnown {
		c.casts = casts(t)
	}
	c.run()
	return c
}

// compileTool compiles the SQL below the header, which is the end of the file.
func (f *file) compileTool(t *Tool, paramsKnown bool) {
	base := len(f.Text) - len(t.SQL)
	sql, in := f.withFragments(t, base)
	c := f.compilation(t, sql, paramsKnown)
	t.Statement = Statement{SQL: c.out.String(), Args: c.args}
	t.origin = &origin{f, base, c.pieces, sql, in}
	for _, fault := range c.faults {
		t.origin.fault(fault)
	}
	if paramsKnown && !c.broken {
		f.unused(t, c)
	}
	if paramsKnown && len(c.faults) == 0 && !f.checked {
		analyse(&t.Statement, t.Access, func(position int, problem string) {
			line, col := t.Position(position)
			f.Add(line, col, "%s", c.misplaced(position, problem))
		})
	}
}

// unused reports the declared parameters that the SQL does not use; an operator may have swallowed the @ of one.
func (f *file) unused(t *Tool, c *compilation) {
	for i, p := range t.Params {
		if slices.Contains(c.args, p.Name) {
			continue
		}
		if at, operator := c.swallowed(p.Name); at >= 0 {
			t.origin.fault(sqlFault{at, fmt.Sprintf("%s%s reads as the operator %s: want a space before @%s",
				operator, p.Name, operator, p.Name)})
			continue
		}
		if found := namesInText(c.sql, c.tokens, []string{p.Name}); len(found) > 0 {
			t.origin.fault(sqlFault{found[0].offset, fmt.Sprintf("param %s is never used: %s", p.Name, found[0].problem)})
			continue
		}
		f.AddNode(f.params[i], "param %s is never used: want @%s in the SQL", p.Name, p.Name)
	}
}

// swallowed finds an operator that ends in @ directly before the name.
func (c *compilation) swallowed(name string) (offset int, operator string) {
	for i := 1; i < len(c.tokens); i++ {
		before, word := c.tokens[i-1], c.tokens[i]
		operator := c.sql[before.Start:before.End]
		if before.Kind == sqlscan.Operator && strings.HasSuffix(operator, "@") && c.sql[word.Start:word.End] == name {
			return before.Start, operator
		}
	}
	return -1, ""
}

// compileValue compiles SQL that is the value of a key of the header. Its faults are reported at the value.
func (f *file) compileValue(t *Tool, m faults.Mapping, key string, paramsKnown bool) Statement {
	sql := m.Text(key)
	if sql == "" {
		return Statement{}
	}
	c := f.compilation(t, sql, paramsKnown)
	for _, fault := range c.faults {
		f.AddNode(m.Values[key], "%s: %s", key, fault.problem)
	}
	st := Statement{SQL: c.out.String(), Args: c.args}
	if paramsKnown && len(c.faults) == 0 && !f.checked {
		analyse(&st, Read, func(position int, problem string) {
			f.AddNode(m.Values[key], "%s: %s", key, c.misplaced(position, problem))
		})
	}
	return st
}

// origin maps the compiled SQL of a tool back to its file.
type origin struct {
	file   *file
	base   int // byte offset of the SQL in the file
	pieces []piece
	sql    string // with the fragments
	in     inserted
}

func (o *origin) position(chars int) (line, col int) {
	i, exact := slices.BinarySearchFunc(o.pieces, chars, func(p piece, chars int) int { return p.out - chars })
	if !exact {
		i--
	}
	p := o.pieces[i]
	offset := p.src
	for rest := chars - p.out; p.literal && rest > 0 && offset < len(o.sql); rest-- {
		_, size := utf8.DecodeRuneInString(o.sql[offset:])
		offset += size
	}
	line, col, _ = o.place(offset)
	return line, col
}

// place returns the place in the file of an offset of the SQL. In a fragment it is that of the key use.
func (o *origin) place(offset int) (line, col int, own bool) {
	offset, own = o.in.source(offset)
	if !own {
		n := o.file.keys["use"]
		return n.Line, n.Column, false
	}
	line, col = o.file.Position(o.base + offset)
	return line, col, true
}

func (o *origin) fault(found sqlFault) {
	line, col, own := o.place(found.offset)
	if !own {
		found.problem = "use: " + found.problem
	}
	o.file.Add(line, col, "%s", found.problem)
}

// analyse asks PostgreSQL's grammar about a compiled statement, and reports what a tool of that access can't do.
// fault is given a position in st.SQL.
func analyse(st *Statement, access Access, fault func(position int, problem string)) {
	a, err := sqlscan.Analyze(st.SQL)
	var syntax *sqlscan.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Grammar:
		fault(syntax.Position, syntax.Message+" (SQL is read with the syntax of PostgreSQL "+sqlscan.GrammarVersion+")")
		return
	case errors.As(err, &syntax):
		fault(syntax.Position, syntax.Message)
		return
	case err != nil:
		fault(1, err.Error())
		return
	}
	st.Analysis = a
	switch a.Command {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE":
		if a.Explain {
			fault(1, "EXPLAIN: want the query itself, SELECT, INSERT, UPDATE, DELETE or MERGE")
			return
		}
	default:
		fault(1, fmt.Sprintf("%s: want a query, SELECT, INSERT, UPDATE, DELETE or MERGE", a.Command))
		return
	}
	if access == Read {
		writes(a, fault)
	}
}

// writes reports what a READ ONLY transaction refuses.
func writes(a *sqlscan.Statement, fault func(position int, problem string)) {
	const want = "with access read: want access write"
	for _, r := range a.Relations {
		verb := ""
		switch {
		case r.Ops&sqlscan.OpInsert != 0:
			verb = "INSERT into"
		case r.Ops&sqlscan.OpUpdate != 0:
			verb = "UPDATE of"
		case r.Ops&sqlscan.OpDelete != 0:
			verb = "DELETE from"
		case r.Ops&sqlscan.OpLock != 0:
			verb = "row locks on"
		default:
			continue
		}
		fault(r.Position, fmt.Sprintf("%s %s %s", verb, r.Name, want))
	}
}

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

// misplaced rewrites a syntax error at a parameter, which the message calls $1.
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

// pagePrefix stands before the SQL of a tool in the statements of its pages.
const pagePrefix = "SELECT * FROM (\n"

// compile wraps the tool's statement into those of its pages.
func (p *Page) compile(st Statement) {
	columns, order, values := make([]string, len(p.Key)), make([]string, len(p.Key)), make([]string, len(p.Key))
	after, args := ">", slices.Clone(st.Args)
	for i, key := range p.Key {
		columns[i] = pgtext.Identifier(key)
		order[i] = columns[i]
		if p.Descending {
			after = "<"
			order[i] += " DESC"
		}
		args = append(args, PageKey(i+1))
		values[i] = fmt.Sprintf("$%d", len(args))
	}
	left, right := strings.Join(columns, ", "), strings.Join(values, ", ")
	if len(p.Key) > 1 {
		left, right = "("+left+")", "("+right+")"
	}
	from := pagePrefix + st.SQL + "\n) AS page"
	tail := " ORDER BY " + strings.Join(order, ", ")
	p.First = limited(from+tail, slices.Clone(st.Args))
	p.Next = limited(fmt.Sprintf("%s WHERE %s %s %s%s", from, left, after, right, tail), args)
}

func limited(sql string, args []string) Statement {
	args = append(args, PageLimit)
	return Statement{SQL: fmt.Sprintf("%s LIMIT $%d::bigint", sql, len(args)), Args: args}
}
