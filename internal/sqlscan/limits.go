package sqlscan

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits on SQL that is not trusted. DefaultMaxBytes is what a statement should be held to, MaxBytes what Analyze takes
// at most.
const (
	DefaultMaxBytes = 32 << 10
	MaxBytes        = 128 << 10
)

// Without those of comments and operators PostgreSQL's lexer could be kept busy for seconds by 32 KiB, and neither a
// timeout nor a cancel would end it. Without that of repeats a parse tree could have a gigabyte.
const (
	maxCommentDepth = 8
	maxOperatorRun  = 256
	maxRepeats      = 64 << 10
)

// LimitError is the refusal of SQL that would be too much for a parser.
type LimitError struct{ Message string }

func (e *LimitError) Error() string { return e.Message }

func limitError(format string, args ...any) error { return &LimitError{fmt.Sprintf(format, args...)} }

// CheckLimits refuses SQL that PostgreSQL's lexer or parser, here or in the database, would take too much time, memory
// or stack for, and text that is none. It is to be passed before anything else reads the SQL, and takes time linear in
// it.
func CheckLimits(sql string, maxBytes int) (Measures, error) {
	switch {
	case len(sql) > maxBytes:
		return Measures{}, limitError("is %d bytes, more than the maximum %d", len(sql), maxBytes)
	case !utf8.ValidString(sql):
		return Measures{}, limitError("is not valid UTF-8")
	case strings.IndexByte(sql, 0) >= 0:
		return Measures{}, limitError("holds a NUL character, which PostgreSQL can't store")
	}
	m := Measure(sql)
	switch {
	case m.CommentDepth > maxCommentDepth:
		return m, limitError("comments are nested %d deep, more than the maximum %d", m.CommentDepth, maxCommentDepth)
	case m.OperatorRun > maxOperatorRun:
		return m, limitError("has %d operator characters in a row, more than the maximum %d", m.OperatorRun, maxOperatorRun)
	}
	s := measureShape(sql)
	switch {
	case s.nesting > MaxNesting():
		return m, limitError("is nested %d deep, more than the maximum %d: operators, joins and UNION nest as parentheses "+
			"do; want a list, "+
			"such as IN (...) or VALUES, in place of a long chain", s.nesting, MaxNesting())
	case s.expanded-len(sql) > maxRepeats:
		return m, limitError("assigns to too many columns at once by SET (...) = ...: want fewer columns or a shorter " +
			"right side")
	}
	return m, nil
}
