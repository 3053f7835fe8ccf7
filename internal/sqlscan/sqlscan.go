// Package sqlscan reads SQL in two ways, and knows no database.
//
// As text: it cuts SQL into tokens as PostgreSQL's lexer does, measures what must be known of a caller's SQL before
// anything parses it, and finds the names in it. These functions take time linear in the SQL, whatever the SQL is.
//
// As a statement: Analyze asks PostgreSQL's own grammar what the SQL is and what it touches. The parser is C and bounds
// neither its stack nor its output, so CheckLimits comes before it: on length, nesting, comments, runs of operators and
// repeats.
package sqlscan

import (
	"slices"
	"strings"
)

// Kind says what a token is.
type Kind int

// The kinds of tokens.
const (
	Space      Kind = iota // white space
	Comment                // -- or /* */
	Word                   // identifier or keyword, unquoted
	Quoted                 // "identifier"
	String                 // any string constant
	Number                 // numeric constant
	Operator               // a run of operator characters
	Param                  // @name; only LexTool gives it
	Positional             // $1
	Symbol                 // anything else: ( ) , ; [ ] . : :: :=
)

// String is the name of the kind, for messages and tests.
func (k Kind) String() string {
	return [...]string{"space", "comment", "word", "quoted", "string", "number", "operator", "param", "positional",
		"symbol"}[k]
}

// Token is sql[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
	// Line is where the token starts, from 1.
	Line int
	// Fault is empty for a sound token. It says what is wrong with one that is not closed, and so is the last, or that
	// can be read in two ways.
	Fault string
}

// Significant reports whether the token means something to PostgreSQL.
func (t Token) Significant() bool { return t.Kind != Space && t.Kind != Comment }

// Lex cuts SQL into tokens the way PostgreSQL's scan.l does with standard_conforming_strings on. The tokens tile the
// text: nothing is dropped. The one liberty is that an operator such as =- is not split.
func Lex(sql string) []Token { return tokens(lexer{sql: sql}) }

// Significant is Lex without spaces and comments.
func Significant(sql string) []Token {
	return slices.DeleteFunc(Lex(sql), func(t Token) bool { return !t.Significant() })
}

// LexTool is Lex for the SQL of a tool file, in which @name is a parameter.
func LexTool(sql string) []Token { return tokens(lexer{sql: sql, params: true}) }

func tokens(l lexer) []Token {
	all := make([]Token, 0, 16+len(l.sql)/4) // most are short
	line := 1
	for l.pos < len(l.sql) {
		start := l.pos
		kind, fault := l.next()
		all = append(all, Token{kind, start, l.pos, line, fault})
		line += strings.Count(l.sql[start:l.pos], "\n")
	}
	return all
}
