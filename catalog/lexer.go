package catalog

import "strings"

// The lexer cuts SQL into tokens the way PostgreSQL's scan.l does, as far as it matters for finding parameters and the
// end of a statement. It reads each byte a bounded number of times. The tokens tile the text: nothing is dropped.

type tokenKind int

const (
	spaceToken      tokenKind = iota // white space
	commentToken                     // -- or /* */
	wordToken                        // identifier or keyword, unquoted
	quotedToken                      // "identifier"
	stringToken                      // any string constant
	numberToken                      // numeric constant
	operatorToken                    // a run of operator characters
	paramToken                       // @name
	positionalToken                  // $1
	symbolToken                      // anything else: ( ) , ; [ ] . : :: :=
)

// token is sql[start:end]; fault is empty for a sound token.
type token struct {
	kind       tokenKind
	start, end int
	fault      string
}

// significant reports whether the token means something to PostgreSQL.
func (t token) significant() bool { return t.kind != spaceToken && t.kind != commentToken }

func lex(sql string) []token {
	l := lexer{sql: sql}
	var tokens []token
	for l.pos < len(sql) {
		start := l.pos
		kind, fault := l.next()
		tokens = append(tokens, token{kind, start, l.pos, fault})
	}
	return tokens
}

type lexer struct {
	sql string
	pos int
}

// next moves over one token.
func (l *lexer) next() (tokenKind, string) {
	switch c := l.sql[l.pos]; {
	case isSpace(c):
		l.skip(isSpace)
		return spaceToken, ""
	case l.at("--"):
		l.skip(notNewline)
		return commentToken, ""
	case l.at("/*"):
		return commentToken, l.blockComment()
	case isWordStart(c):
		return l.word()
	case c == '\'':
		return stringToken, l.quoted(1, false)
	case c == '"':
		return quotedToken, l.quotedIdentifier(1)
	case c == '$':
		return l.dollar()
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		l.number()
		return numberToken, ""
	case c == '@' && isNameStart(l.peek(1)):
		return l.param(), ""
	case isOperator(c):
		return operatorToken, l.operator()
	default:
		return symbolToken, l.symbol()
	}
}

// blockComment moves over a comment, which may hold others.
func (l *lexer) blockComment() string {
	for depth := 0; l.pos < len(l.sql); {
		switch {
		case l.at("/*"):
			depth++
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
func (l *lexer) word() (tokenKind, string) {
	switch c := l.sql[l.pos] | 0x20; {
	case strings.IndexByte("ebxn", c) >= 0 && l.peek(1) == '\'':
		return stringToken, l.quoted(2, c == 'e')
	case c == 'u' && l.peek(1) == '&' && l.peek(2) == '\'':
		return stringToken, l.quoted(3, false)
	case c == 'u' && l.peek(1) == '&' && l.peek(2) == '"':
		return quotedToken, l.quotedIdentifier(3)
	}
	l.skip(isWordPart)
	return wordToken, ""
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
	ahead := lexer{l.sql, l.pos}
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
func (l *lexer) dollar() (tokenKind, string) {
	l.pos++
	if isDigit(l.peek(0)) {
		l.skip(isDigit)
		return positionalToken, ""
	}
	end := l.pos
	for end < len(l.sql) && isTagPart(l.sql[end]) {
		end++
	}
	if isDigit(l.peek(0)) || end == len(l.sql) || l.sql[end] != '$' {
		return symbolToken, ""
	}
	quote := l.sql[l.pos-1 : end+1]
	body := strings.Index(l.sql[end+1:], quote)
	if body < 0 {
		l.pos = len(l.sql)
		return stringToken, "string is not closed: want " + quote
	}
	l.pos = end + 1 + body + len(quote)
	return stringToken, ""
}

func (l *lexer) number() {
	if l.sql[l.pos] == '0' && (l.peek(1)|0x20 == 'x' || l.peek(1)|0x20 == 'o' || l.peek(1)|0x20 == 'b') &&
		isHexDigit(l.peek(2)) {
		l.pos += 2
		l.skip(isHexDigit)
		return
	}
	l.skip(isDigitPart)
	if l.peek(0) == '.' && l.peek(1) != '.' {
		l.pos++
		l.skip(isDigitPart)
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
		l.skip(isDigitPart)
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
