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
	sql    string // with the fragments
	in     inserted
}

// Position returns the line and column of the file, from 1, for a position in Statement.SQL as PostgreSQL reports it:
// in characters, from 1. What lies in a $n::type is at its @name, and what lies in a fragment at the key use. A position outside the SQL, and any position of a
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
	offset := p.src
	for rest := chars - p.out; p.literal && rest > 0 && offset < len(o.sql); rest-- {
		_, size := utf8.DecodeRuneInString(o.sql[offset:])
		offset += size
	}
	line, col, _ = o.place(offset)
	return line, col
}

// place gives the place in the file of an offset of the SQL; in a fragment it is that of the key use.
func (o *origin) place(offset int) (line, col int, own bool) {
	offset, own = o.in.source(offset)
	if !own {
		n := o.file.keys["use"]
		return n.Line, n.Column, false
	}
	line, col = o.file.position(o.base + offset)
	return line, col, true
}

func (o *origin) fault(found sqlFault) {
	line, col, own := o.place(found.offset)
	if !own {
		found.problem = "use: " + found.problem
	}
	o.file.fault(line, col, "%s", found.problem)
}
