package sqlscan

import (
	"slices"
	"strings"
)

// PostgreSQL reads the longest run of operator characters as one operator, so "a=@b" is the operator =@ to it. People
// who write @name in a tool file mean a parameter there. The rule: operators that can stand before a parameter end at
// its @; any other run, such as @@ or ~@, stays whole; <@ could be meant either way.

var beforeParam = []string{
	"=", "<>", "!=", "<=", ">=", ">", "+", "-", "*", "/", "%", "^", "||", "->", "->>", "#>", "#>>", "=>",
}

// operator moves over an operator, and in a tool file stops before the @ of a parameter.
func (l *lexer) operator() string {
	l.measureRun()
	run := l.sql[l.pos:l.operatorEnd()]
	rest, atEnd := strings.CutSuffix(run, "@")
	l.pos += len(run)
	if !l.params || !atEnd || !isNameStart(l.peek(0)) {
		return ""
	}
	if rest == "<" {
		return `"<@" before a name can be read two ways: want "<@ name" for the operator, "< @name" for the parameter`
	}
	if slices.Contains(beforeParam, rest) {
		l.pos--
	}
	return ""
}

// operatorEnd is where the run of operator characters ends; a comment ends it too.
func (l *lexer) operatorEnd() int {
	ahead := lexer{sql: l.sql, pos: l.pos}
	for ahead.pos < len(l.sql) && isOperator(l.sql[ahead.pos]) && !ahead.at("--") && !ahead.at("/*") {
		ahead.pos++
	}
	return ahead.pos
}

// measureRun notes the run of operator characters that starts here, comment marks among them.
func (l *lexer) measureRun() {
	if l.pos >= l.runEnd {
		ahead := lexer{sql: l.sql, pos: l.pos}
		ahead.skip(isOperator)
		l.runEnd = ahead.pos
	}
	l.run = max(l.run, l.runEnd-l.pos)
}

// param moves over @name. Letters that no name may hold are taken along, as PostgreSQL does, so that they are
// reported with the name.
func (l *lexer) param() Kind {
	l.pos++
	l.skip(isWordPart)
	return Param
}

// IsWordPart reports whether c can go on an identifier.
func IsWordPart(c byte) bool { return isWordPart(c) }

func isOperator(c byte) bool  { return strings.IndexByte("+-*/<>=~!@#%^&|`?", c) >= 0 }
func isSpace(c byte) bool     { return strings.IndexByte(" \t\n\r\f\v", c) >= 0 }
func notNewline(c byte) bool  { return c != '\n' && c != '\r' }
func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isDigitPart(c byte) bool { return isDigit(c) || c == '_' }
func isHexDigit(c byte) bool  { return isDigitPart(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isNameStart(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isWordStart(c byte) bool { return isNameStart(c) || c >= 0x80 }
func isTagPart(c byte) bool   { return isWordStart(c) || isDigit(c) }
func isWordPart(c byte) bool  { return isTagPart(c) || c == '$' }
