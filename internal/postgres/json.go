package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"mcp-postgres/internal/pgtext"
)

// AppendJSON appends a value, given in PostgreSQL's text form, as JSON. A nil text is NULL. What is appended is always
// valid JSON: a text that the type does not explain becomes a string.
func (t *Type) AppendJSON(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case Bool:
		return appendBool(dst, text)
	case Int, Float:
		return appendNumber(dst, text, true)
	case BigInt:
		return appendNumber(dst, text, exactInteger(text))
	case Numeric:
		return appendNumber(dst, text, exactNumeric(text))
	case JSON:
		return appendInline(dst, text)
	case Timestamp, Timestamptz:
		return appendTimestamp(dst, text)
	case Bytea:
		return appendBytea(dst, text)
	case Array:
		dst, _ = t.appendArray(dst, text, 0)
		return dst
	}
	return pgtext.AppendJSON(dst, text)
}

// Cut says how much of a value there is.
type Cut struct {
	Kept int    `json:"kept"`
	Of   int    `json:"of"`
	Unit string `json:"unit"` // bytes or items
}

// String is what stands behind a text that was cut.
func (c Cut) String() string { return fmt.Sprintf("... (%d of %d %s cut)", c.Of-c.Kept, c.Of, c.Unit) }

// AppendCut is AppendJSON for a value whose text may be longer than limit bytes. What is appended has the JSON type of
// the whole value: an array loses items, bytea loses bytes and stays base64, any other value is a string that says what
// is missing.
func (t *Type) AppendCut(dst, text []byte, limit int) ([]byte, Cut) {
	switch {
	case t.Kind == Array:
		return t.appendArray(dst, text, limit)
	case t.Kind != Text && t.Kind != Numeric && t.Kind != JSON && t.Kind != Bytea: // a few bytes, whatever the limit
		return t.AppendJSON(dst, text), Cut{}
	case t.Kind == Bytea && bytes.HasPrefix(text, []byte(`\x`)):
		all := len(text)/2 - 1
		kept := min(max(limit/2-1, 0), all)
		return appendBytea(dst, text[:2+2*kept]), Cut{Kept: kept, Of: all, Unit: "bytes"}
	}
	short, cut := CutText(text, limit)
	return pgtext.AppendJSON(dst, short), cut
}

// CutText shortens a text to at most limit bytes, at a character's edge, and adds what is missing.
func CutText(text []byte, limit int) ([]byte, Cut) {
	short := pgtext.Cut(text, limit)
	cut := Cut{Kept: len(short), Of: len(text), Unit: "bytes"}
	if cut.Kept == cut.Of {
		return text, cut
	}
	return append(bytes.Clone(short), cut.String()...), cut
}

func appendBool(dst, text []byte) []byte {
	switch string(text) {
	case "t":
		return append(dst, "true"...)
	case "f":
		return append(dst, "false"...)
	}
	return pgtext.AppendJSON(dst, text)
}

// appendNumber writes text as a number if it is one in JSON (NaN and Infinity are not) and loses nothing as a double.
func appendNumber(dst, text []byte, exact bool) []byte {
	if !exact || !isNumber(text) {
		return pgtext.AppendJSON(dst, text)
	}
	return append(dst, text...)
}

// isNumber reports whether text is a number in JSON: what is valid and ends in a digit is one.
func isNumber(text []byte) bool {
	n := len(text)
	return n > 0 && digits(text[n-1:]) == 1 && (digits(text) == n && (n == 1 || text[0] != '0') || json.Valid(text))
}

// digits counts the digits that text begins with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// exactInteger reports whether a double holds the integer: its magnitude is at most 2^53.
func exactInteger(text []byte) bool {
	if len(text) < 16 {
		return true
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil && n >= -(1<<53) && n <= 1<<53
}

// exactNumeric reports whether a double gives the digits back: always up to 15 significant ones.
func exactNumeric(text []byte) bool {
	if len(text) <= 15 {
		return true
	}
	if bytes.IndexByte(text, '.') < 0 {
		return exactInteger(text)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return false
	}
	var buf [64]byte
	shortest := strconv.AppendFloat(buf[:0], f, 'f', -1, 64)
	return bytes.Equal(shortest, bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte(".")))
}

// maxDepth is how deep json may be nested to stay inline. Deeper, a client's parser could refuse the whole reply:
// Python's gives up at about 1,000 levels, Go's at 10,000.
const maxDepth = 500

// appendInline puts json in place, without its white space.
func appendInline(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	buf := bytes.NewBuffer(dst)
	if deeper(text, maxDepth) || json.Compact(buf, text) != nil {
		return pgtext.AppendJSON(dst, text)
	}
	return buf.Bytes()
}

// deeper reports whether json has more than limit arrays and objects within each other.
func deeper(text []byte, limit int) bool {
	if bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}) <= limit {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(text) && depth <= limit; i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
	}
	return depth > limit
}

// appendTimestamp writes ISO 8601 as to_json does: a T for the space, and offsets with minutes. Infinity and BC stay.
func appendTimestamp(dst, text []byte) []byte {
	date, clock, ok := bytes.Cut(text, []byte{' '})
	if !ok || !isISO(text) {
		return pgtext.AppendJSON(dst, text)
	}
	clock, era, bc := bytes.Cut(clock, []byte{' '})
	dst = append(append(dst, '"'), date...)
	dst = append(append(dst, 'T'), clock...)
	if n := len(clock) - len("+00"); n >= 0 && (clock[n] == '+' || clock[n] == '-') {
		dst = append(dst, ":00"...)
	}
	if bc {
		dst = append(append(dst, ' '), era...)
	}
	return append(dst, '"')
}

// isISO distinguishes timestamps of DateStyle ISO from those that a statement can make by changing the setting for
// itself.
func isISO(text []byte) bool {
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
		case c == '-', c == ':', c == '+', c == '.', c == ' ', c == 'B', c == 'C':
		default:
			return false
		}
	}
	return true
}

// appendBytea writes base64. It goes in pieces of a multiple of three bytes, so that nothing is held twice.
func appendBytea(dst, text []byte) []byte {
	hexed, ok := bytes.CutPrefix(text, []byte(`\x`))
	if !ok {
		return pgtext.AppendJSON(dst, text)
	}
	out := append(dst, '"')
	var raw [768]byte
	for len(hexed) > 0 {
		piece := hexed[:min(len(hexed), 2*len(raw))]
		n, err := hex.Decode(raw[:], piece)
		if err != nil {
			return pgtext.AppendJSON(dst, text)
		}
		out = base64.StdEncoding.AppendEncode(out, raw[:n])
		hexed = hexed[len(piece):]
	}
	return append(out, '"')
}

// appendArray writes an array, also a nested one, as JSON arrays, of which limit bounds the bytes; zero is no limit.
// Bounds other than 1 are not shown.
func (t *Type) appendArray(dst, text []byte, limit int) ([]byte, Cut) {
	p := arrayParser{text: text, elem: t.Elem, delim: t.Delim, limit: limit, start: len(dst)}
	if len(text) > 0 && text[0] == '[' {
		p.skipBounds()
	}
	out, ok := p.array(dst, 0)
	if !ok || p.pos != len(text) {
		return pgtext.AppendJSON(dst, text), Cut{}
	}
	return out, Cut{Kept: p.kept, Of: p.items, Unit: "items"}
}

// arrayParser reads the text form of arrays (PostgreSQL, 8.15.6 Array Input and Output Syntax).
type arrayParser struct {
	text  []byte
	pos   int
	elem  *Type
	delim byte
	// limit bounds what is written behind start. Once an item has not fitted, the array is full: the rest is read and
	// counted.
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
