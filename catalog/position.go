package catalog

import (
	"slices"
	"unicode/utf8"
)

// origin maps the compiled SQL of a tool back to its file.
type origin struct {
	file   *file
	base   int // byte offset of the SQL in the file
	pieces []piece
}

// Position returns the line and column of the file, from 1, for a position in Statement.SQL as PostgreSQL reports it:
// in characters, from 1. What lies in a $n::type is at its @name. A position outside the SQL, and any position of a
// tool that Parse did not make, gives the nearest one, or 0, 0.
func (t *Tool) Position(offset int) (line, col int) {
	if t.origin == nil || len(t.origin.pieces) == 0 {
		return 0, 0
	}
	return t.origin.position(max(0, min(offset-1, utf8.RuneCountInString(t.Statement.SQL))))
}

// PagePosition is Position for the statements of Page: what they add before the tool's SQL is at its start, and what
// they add behind at its end.
func (t *Tool) PagePosition(offset int) (line, col int) {
	return t.Position(offset - len(pagePrefix))
}

// KeyPosition returns the line and column of a value of the header, such as "result" or "page.key"; 1, 1 for one that is
// not there.
func (t *Tool) KeyPosition(key string) (line, col int) {
	if t.origin != nil && t.origin.file.keys[key] != nil {
		n := t.origin.file.keys[key]
		return n.Line, n.Column
	}
	return 1, 1
}

// Text is the text of the whole file.
func (t *Tool) Text() string {
	if t.origin == nil {
		return t.SQL
	}
	return t.origin.file.all
}

func (o *origin) position(chars int) (line, col int) {
	i, exact := slices.BinarySearchFunc(o.pieces, chars, func(p piece, chars int) int { return p.out - chars })
	if !exact {
		i--
	}
	p := o.pieces[i]
	offset := o.base + p.src
	for rest := chars - p.out; p.literal && rest > 0 && offset < len(o.file.all); rest-- {
		_, size := utf8.DecodeRuneInString(o.file.all[offset:])
		offset += size
	}
	return o.file.position(offset)
}
