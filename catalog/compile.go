package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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

// lexicalFaults reports the tokens that no statement can hold. Behind one that is not closed nothing is known.
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
		return fmt.Sprintf("@%s is unknown: want %s", name, oneOf(callerNames()))
	}
	return fmt.Sprintf("@%s is not declared%s", name, suggestion(name, c.names))
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
	name := string(t.Scalar)
	switch t.Scalar {
	case String:
		name = "text"
	case Integer:
		name = "bigint"
	case Number:
		name = "numeric"
	case JSON:
		name = "jsonb"
	}
	if t.Array {
		name += "[]"
	}
	return name
}

// callerNames are what the server binds from the identity of the caller.
func callerNames() []string {
	return []string{"@caller_sub", "@caller_role", "@caller_claims", "@caller_schemas", "@caller_tables"}
}

// casts returns the PostgreSQL type of every name that the SQL of t may use.
func casts(t *Tool) map[string]string {
	all := map[string]string{"caller_sub": "text", "caller_role": "text", "caller_claims": "jsonb",
		"caller_schemas": "text[]", "caller_tables": "text[]"}
	for _, p := range t.Params {
		all[p.Name] = cmp.Or(p.Type.cast(), "text") // a type that is wrong has been reported
	}
	return all
}
