package sqlscan

import (
	"slices"
	"strconv"
	"strings"
)

// Measures are what a caller's SQL must be held against before PostgreSQL reads it: PostgreSQL's lexer takes time
// quadratic in some of them and can't be interrupted.
type Measures struct {
	// CommentDepth is how deep block comments are nested at most; 1 is a plain one.
	CommentDepth int
	// OperatorRun is the longest run of operator characters that holds an operator or the start of a block comment. At
	// each of them PostgreSQL reads the run from there to its end, as it does with /**//**//**/ and +++++.
	OperatorRun int
	// Placeholders are the n of all $n, sorted, each once. One that is too large for an int is the largest int.
	Placeholders []int
	// Routine reports CREATE FUNCTION or CREATE PROCEDURE: a $n in it is an argument of the routine, no placeholder.
	Routine bool
}

// Measure reads SQL once.
func Measure(sql string) Measures {
	var m Measures
	head := ""
	l := lexer{sql: sql}
	for significant := 0; l.pos < len(sql); {
		start := l.pos
		kind, _ := l.next()
		if kind == Space || kind == Comment {
			continue
		}
		if significant++; significant <= routineWords && l.pos-start <= maxRoutineWord {
			head += strings.ToLower(sql[start:l.pos]) + " "
		}
		if kind == Positional {
			n, _ := strconv.Atoi(sql[start+1 : l.pos]) // out of range gives the largest int
			m.Placeholders = append(m.Placeholders, n)
		}
	}
	slices.Sort(m.Placeholders)
	m.Placeholders = slices.Compact(m.Placeholders)
	m.CommentDepth, m.OperatorRun, m.Routine = l.depth, l.run, isRoutine(head)
	return m
}

// CREATE OR REPLACE PROCEDURE is the longest start of a routine.
const (
	routineWords   = 4
	maxRoutineWord = len("procedure")
)

func isRoutine(head string) bool {
	head, created := strings.CutPrefix(head, "create ")
	head = strings.TrimPrefix(head, "or replace ")
	return created && (strings.HasPrefix(head, "function ") || strings.HasPrefix(head, "procedure "))
}
