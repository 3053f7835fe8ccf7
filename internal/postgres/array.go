package postgres

// appendArray writes an array, also a nested one, as JSON arrays, of which limit bounds the bytes; zero is no limit. Bounds other
// than 1 are not shown.
func (t *Type) appendArray(dst, text []byte, limit int) ([]byte, Cut) {
	p := arrayParser{text: text, elem: t.Elem, delim: t.Delim, limit: limit, start: len(dst)}
	if len(text) > 0 && text[0] == '[' {
		p.skipBounds()
	}
	out, ok := p.array(dst, 0)
	if !ok || p.pos != len(text) {
		return AppendString(dst, text), Cut{}
	}
	return out, Cut{Kept: p.kept, Of: p.items, Unit: "items"}
}

// arrayParser reads the text form of arrays (PostgreSQL, 8.15.6 Array Input and Output Syntax).
type arrayParser struct {
	text  []byte
	pos   int
	elem  *Type
	delim byte
	// limit bounds what is written behind start. Once an item has not fitted, the array is full: the rest is read and counted.
	limit, start int
	kept, items  int
	full         bool
	// unescaped holds the item last read that has backslashes.
	unescaped []byte
}

// maxDimensions is PostgreSQL's MAXDIM.
const maxDimensions = 6

func (p *arrayParser) skipBounds() {
	for p.pos < len(p.text) && p.text[p.pos] != '{' {
		p.pos++
	}
}

func (p *arrayParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *arrayParser) array(dst []byte, depth int) ([]byte, bool) {
	if p.peek() != '{' || depth == maxDimensions {
		return dst, false
	}
	p.pos++
	dst = append(dst, '[')
	if p.peek() == '}' {
		p.pos++
		return append(dst, ']'), true
	}
	for first := true; ; first = false {
		before, kept, ok := len(dst), p.kept, false
		if !first {
			dst = append(dst, ',')
		}
		if p.peek() == '{' {
			dst, ok = p.array(dst, depth+1)
		} else {
			dst, ok = p.item(dst)
		}
		if p.kept == kept {
			dst = dst[:before] // there was no room
		}
		switch {
		case ok && p.peek() == p.delim:
			p.pos++
		case ok && p.peek() == '}':
			p.pos++
			return append(dst, ']'), true
		default:
			return dst, false
		}
	}
}

func (p *arrayParser) item(dst []byte) ([]byte, bool) {
	value, ok := p.value()
	p.items++
	if !ok || p.full {
		return dst, ok
	}
	out := p.elem.AppendJSON(dst, value)
	if p.limit > 0 && len(out)-p.start > p.limit {
		if p.full = true; p.kept > 0 {
			return dst, true
		}
		out, _ = p.elem.AppendCut(dst, value, p.limit)
	}
	p.kept++
	return out, true
}

// value reads the text of an item; nil is NULL.
func (p *arrayParser) value() (value []byte, ok bool) {
	if p.peek() == '"' {
		return p.quoted()
	}
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != p.delim && p.text[p.pos] != '}' {
		p.pos++
	}
	if value = p.text[start:p.pos]; string(value) == "NULL" {
		return nil, true
	}
	return value, len(value) > 0
}

// quoted reads a "..." item; a backslash takes the next character as it is. The item is valid until the next one.
func (p *arrayParser) quoted() ([]byte, bool) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != '\\' {
		if p.text[p.pos] == '"' {
			p.pos++
			return p.text[start : p.pos-1], true
		}
		p.pos++
	}
	p.unescaped = append(p.unescaped[:0], p.text[start:p.pos]...)
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case '"':
			p.pos++
			return p.unescaped, true
		case '\\':
			p.pos++
			p.unescaped = append(p.unescaped, p.peek())
		default:
			p.unescaped = append(p.unescaped, c)
		}
	}
	return nil, false
}
