package sqlscan

import (
	"math"
	"strings"
)

// shape is what bounds the work and the memory of the parser. It writes out its tree by recursion without a limit of
// its own, and what does not fit on its stack ends the process.
type shape struct {
	// nesting is how many tokens lie at most on the way from the top of the statement to its deepest part. Operators,
	// joins and set operations nest as parentheses do: a + b + c is (a + b) + c. Lists do not.
	nesting int
	// expanded is the length of the SQL with the right side of each SET (a, b) = ... counted once for each column, as the
	// tree repeats it.
	expanded int
}

// level is what is known of the tokens within one pair of brackets.
type level struct {
	own   int // tokens since the last comma
	sets  int // set operations: SELECT a, b UNION SELECT c, d nests over the commas
	child int // the deepest brackets since the last comma
	best  int // the deepest item of the list before the last comma

	commas       int
	target       bool // could be the columns of SET (a, b) = ...
	outer, times int  // how often the tree repeats the brackets, and what stands there now
}

func (l *level) comma() {
	l.best = max(l.best, l.own+l.child)
	l.own, l.child, l.times = 0, 0, l.outer
	l.commas++
}

func (l *level) nesting() int { return l.sets + max(l.best, l.own+l.child) }

// measureShape reads SQL once.
func measureShape(sql string) shape {
	levels := []level{{outer: 1, times: 1}}
	expanded, before := 0, ""
	var closed level // the brackets that the token before closed
	for l := (lexer{sql: sql}); l.pos < len(sql); {
		start := l.pos
		if kind, _ := l.next(); kind == Space || kind == Comment {
			continue
		}
		text, top := sql[start:l.pos], &levels[len(levels)-1]
		switch {
		case text == "(" || text == "[":
			top.own++
			levels = append(levels, level{outer: top.times, times: top.times, target: before == "," ||
				strings.EqualFold(before, "set")})
		case (text == ")" || text == "]") && len(levels) > 1:
			closed = *top
			levels = levels[:len(levels)-1]
			top = &levels[len(levels)-1]
			top.child = max(top.child, closed.nesting())
		case text == ",":
			top.comma()
		case isSetOperation(text):
			top.sets++
		case text[0] == '=' && before == ")" && closed.target:
			top.times = product(top.times, closed.commas+1)
			fallthrough
		default:
			top.own++
		}
		expanded = min(expanded+product(len(text), top.times), math.MaxInt32)
		before = text
	}
	return shape{nesting: nestingOf(levels), expanded: max(expanded, len(sql))}
}

// nestingOf also counts brackets that are not closed: the parser meets them before it knows that.
func nestingOf(levels []level) int {
	nesting := 0
	for i := len(levels) - 1; i >= 0; i-- {
		levels[i].child = max(levels[i].child, nesting)
		nesting = levels[i].nesting()
	}
	return nesting
}

func isSetOperation(text string) bool {
	switch len(text) {
	case len("union"), len("except"), len("intersect"):
		return strings.EqualFold(text, "union") || strings.EqualFold(text, "except") || strings.EqualFold(text, "intersect")
	}
	return false
}

// product is a times b, both below 1<<31, and at most that.
func product(a, b int) int { return min(a*b, math.MaxInt32) }
