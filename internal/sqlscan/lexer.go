package sqlscan

import "strings"

// lexer reads each byte a bounded number of times.
type lexer struct {
	sql    string
	pos    int
	params bool // @name is a parameter

	depth  int // how deep block comments were nested at most
	run    int // the longest run of operator characters at an operator or the start of a comment
	runEnd int // where the last such run ends
}

// next moves over one token.
func (l *lexer) next() (Kind, string) {
	switch c := l.sql[l.pos]; {
	case isSpace(c):
		l.skip(isSpace)
		return Space, ""
	case l.at("--"):
		l.skip(notNewline)
		return Comment, ""
	case l.at("/*"):
		return Comment, l.blockComment()
	case isWordStart(c):
		return l.word()
	case c == '\'':
		return String, l.quoted(1, false)
	case c == '"':
		return Quoted, l.quotedIdentifier(1)
	case c == '$':
		return l.dollar()
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		l.number()
		return Number, ""
	case c == '@' && l.params && isNameStart(l.peek(1)):
		return l.param(), ""
	case isOperator(c):
		return Operator, l.operator()
	default:
		return Symbol, l.symbol()
	}
}

// blockComment moves over a comment, which may hold others.
func (l *lexer) blockComment() string {
	for depth := 0; l.pos < len(l.sql); {
		switch {
		case l.at("/*"):
			l.measureRun()
			depth++
			l.depth = max(l.depth, depth)
			l.pos += 2
		case l.at("*/"):
			depth--
			l.pos += 2
		default:
			l.pos++
		}
		if depth == 0 {
			return ""
		}
	}
	return "comment is not closed: want */"
}

// word moves over an identifier, or over a string whose kind is given by letters before the quote.
func (l *lexer) word() (Kind, string) {
	switch c := l.sql[l.pos] | 0x20; {
	case strings.IndexByte("ebxn", c) >= 0 && l.peek(1) == '\'':
		return String, l.quoted(2, c == 'e')
	case c == 'u' && l.peek(1) == '&' && l.peek(2) == '\'':
		return String, l.quoted(3, false)
	case c == 'u' && l.peek(1) == '&' && l.peek(2) == '"':
		return Quoted, l.quotedIdentifier(3)
	}
	l.skip(isWordPart)
	return Word, ""
}

// quoted moves over a string constant with all its continuations on later lines; open is the length of the prefix
// with the quote.
func (l *lexer) quoted(open int, escapes bool) string {
	l.pos += open
	for l.pos < len(l.sql) {
		switch c := l.sql[l.pos]; {
		case c == '\\' && escapes:
			l.pos = min(l.pos+2, len(l.sql))
		case c != '\'':
			l.pos++
		case l.peek(1) == '\'':
			l.pos += 2
		default:
			l.pos++
			next := l.continuation()
			if next < 0 {
				return ""
			}
			l.pos = next
		}
	}
	return "string is not closed: want '"
}

// continuation returns the position in a string that goes on after white space with a line break, or -1.
func (l *lexer) continuation() int {
	ahead := lexer{sql: l.sql, pos: l.pos}
	broken := false
	for ahead.pos < len(ahead.sql) {
		switch c := ahead.sql[ahead.pos]; {
		case isSpace(c):
			broken = broken || c == '\n' || c == '\r'
			ahead.pos++
		case ahead.at("--"):
			ahead.skip(notNewline)
		case c == '\'' && broken:
			return ahead.pos + 1
		default:
			return -1
		}
	}
	return -1
}

func (l *lexer) quotedIdentifier(open int) string {
	l.pos += open
	for l.pos < len(l.sql) {
		switch {
		case l.at(`""`):
			l.pos += 2
		case l.at(`"`):
			l.pos++
			return ""
		default:
			l.pos++
		}
	}
	return `quoted name is not closed: want "`
}

// dollar moves over $1, over $tag$...$tag$, or over a stray $.
func (l *lexer) dollar() (Kind, string) {
	l.pos++
	if isDigit(l.peek(0)) {
		l.skip(isDigit)
		return Positional, ""
	}
	end := l.pos
	for end < len(l.sql) && isTagPart(l.sql[end]) {
		end++
	}
	if isDigit(l.peek(0)) || end == len(l.sql) || l.sql[end] != '$' {
		return Symbol, ""
	}
	quote := l.sql[l.pos-1 : end+1]
	body := strings.Index(l.sql[end+1:], quote)
	if body < 0 {
		l.pos = len(l.sql)
		return String, "string is not closed: want " + quote
	}
	l.pos = end + 1 + body + len(quote)
	return String, ""
}

// number moves over a number as PostgreSQL 16 writes them, 1_000 and 0x1F. Where a name is joined to it, which only
// PostgreSQL 14 takes, it is read as there: 1 and _000name.
func (l *lexer) number() {
	start := l.pos
	if l.sql[l.pos] == '0' && (l.peek(1)|0x20 == 'x' || l.peek(1)|0x20 == 'o' || l.peek(1)|0x20 == 'b') &&
		isHexDigit(l.peek(2)) {
		l.pos += 2
		l.skip(isHexDigit)
	} else {
		l.decimal(isDigitPart)
	}
	if !l.params && isWordPart(l.peek(0)) {
		l.pos = start
		l.decimal(isDigit)
	}
}

func (l *lexer) decimal(digit func(byte) bool) {
	l.skip(digit)
	if l.peek(0) == '.' && l.peek(1) != '.' {
		l.pos++
		l.skip(digit)
	}
	if l.peek(0)|0x20 != 'e' {
		return
	}
	sign := 0
	if l.peek(1) == '+' || l.peek(1) == '-' {
		sign = 1
	}
	if isDigit(l.peek(1 + sign)) {
		l.pos += 1 + sign
		l.skip(digit)
	}
}

func (l *lexer) symbol() string {
	if l.at("::") || l.at(":=") {
		l.pos++
	}
	l.pos++
	return ""
}

func (l *lexer) at(s string) bool { return strings.HasPrefix(l.sql[l.pos:], s) }

// peek returns the byte i places on, or 0 behind the end; SQL never holds a zero byte.
func (l *lexer) peek(i int) byte {
	if l.pos+i >= len(l.sql) {
		return 0
	}
	return l.sql[l.pos+i]
}

func (l *lexer) skip(in func(byte) bool) {
	for l.pos < len(l.sql) && in(l.sql[l.pos]) {
		l.pos++
	}
}
