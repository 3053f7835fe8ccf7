package sqlscan

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pganalyze/pg_query_go/v6/parser"
)

// SyntaxError is what is wrong with SQL that is not one statement of PostgreSQL's grammar.
type SyntaxError struct {
	Message string
	// Position is the 1-based character where the fault is, zero if unknown.
	Position int
	// Grammar says that the grammar does not know what is there, as one of another version might: see GrammarVersion.
	Grammar bool
}

// GrammarVersion is the version of PostgreSQL whose syntax is read here.
const GrammarVersion = "17"

func (e *SyntaxError) Error() string { return e.Message }

// UnsupportedError is the refusal of a statement with a part that the analysis does not know.
type UnsupportedError struct {
	// Node is the name of the part in PostgreSQL's grammar.
	Node string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the statement uses a part of the language that is not known here (%s)", e.Node)
}

// parseAll gives the tree of all statements of sql.
func parseAll(sql string) (*node, error) {
	json, err := parser.ParseToJSON(sql)
	if fault := (*parser.Error)(nil); errors.As(err, &fault) {
		return nil, &SyntaxError{fault.Message, max(fault.Cursorpos, 0), strings.HasPrefix(fault.Message, "syntax error")}
	}
	if err != nil {
		return nil, fmt.Errorf("parsing SQL: %w", err)
	}
	root, err := decode(json)
	if err != nil {
		return nil, fmt.Errorf("parsing SQL: %w", err)
	}
	return root, nil
}

// parse gives the tree of the only statement of sql.
func parse(sql string) (*node, error) {
	root, err := parseAll(sql)
	if err != nil {
		return nil, err
	}
	statements := root.field("stmts")
	switch {
	case statements == nil || statements.first == nil:
		return nil, &SyntaxError{Message: "the SQL is empty: want one statement"}
	case statements.first.next != nil:
		second := statements.first.next
		at := min(max(second.offset("stmt_location"), 0), len(sql))
		at += leading(sql[at:])
		return nil, &SyntaxError{Message: "the SQL holds more than one statement: send each in a call of its own",
			Position: 1 + utf8.RuneCountInString(sql[:at])}
	}
	return statements.first.field("stmt"), nil
}

// leading counts the bytes before the first token that means something.
func leading(sql string) int {
	l := lexer{sql: sql}
	for l.pos < len(sql) {
		start := l.pos
		if kind, _ := l.next(); kind != Space && kind != Comment {
			return start
		}
	}
	return 0
}
