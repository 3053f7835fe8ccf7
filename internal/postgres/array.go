package postgres

// appendArray writes an array, also a nested one, as JSON arrays. Bounds other than 1 are not shown.
func (t *Type) appendArray(dst, text []byte) []byte {
	p := arrayParser{text: text, elem: t.Elem, delim: t.Delim}
	if len(text) > 0 && text[0] == '[' {
		p.skipBounds()
	}
	out, ok := p.array(dst, 0)
	if !ok || p.pos != len(text) {
		return AppendString(dst, text)
	}
	return out
}

// arrayParser reads the text form of arrays (PostgreSQL, 8.15.6 Array Input and Output Syntax).
type arrayParser struct {
	text  []byte
	pos   int
	elem  *Type
	delim byte
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
	for ok := true; ; {
		if p.peek() == '{' {
			dst, ok = p.array(dst, depth+1)
		} else {
			dst, ok = p.item(dst)
		}
		if !ok {
			return dst, false
		}
		switch p.peek() {
		case p.delim:
			dst = append(dst, ',')
		case '}':
			p.pos++
			return append(dst, ']'), true
		default:
			return dst, false
		}
		p.pos++
	}
}

func (p *arrayParser) item(dst []byte) ([]byte, bool) {
	if p.peek() == '"' {
		value, ok := p.quoted()
		if !ok {
			return dst, false
		}
		return p.elem.AppendJSON(dst, value), true
	}
	start := p.pos
	for p.pos < len(p.text) && p.text[p.pos] != p.delim && p.text[p.pos] != '}' {
		p.pos++
	}
	value := p.text[start:p.pos]
	if string(value) == "NULL" {
		return append(dst, "null"...), true
	}
	return p.elem.AppendJSON(dst, value), len(value) > 0
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
