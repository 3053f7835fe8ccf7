package sqlscan

import (
	"fmt"
	"strconv"
	"strings"
)

// node is a part of a parse tree: a node of the grammar, a list or a plain value.
type node struct {
	// key is the field of the parent that holds it; empty for an item of a list.
	key string
	// kind is the type of the grammar's node, and empty for a list, a plain value and NULL.
	kind string
	// text is a plain value.
	text string
	// first and next chain the parts of a node, and the items of a list.
	first, next *node
}

// field is the part of that name, or nil.
func (n *node) field(key string) *node {
	if n == nil {
		return nil
	}
	for k := n.first; k != nil; k = k.next {
		if k.key == key {
			return k
		}
	}
	return nil
}

// value is the plain value of that name; the grammar leaves out zero values.
func (n *node) value(key string) string {
	if f := n.field(key); f != nil {
		return f.text
	}
	return ""
}

// offset is the number of a field: mostly a place in the SQL, counted in bytes from 0. It is -1 where there is none.
func (n *node) offset(key string) int {
	f := n.field(key)
	if f == nil {
		return -1
	}
	i, err := strconv.Atoi(f.text)
	if err != nil {
		return -1
	}
	return i
}

// names are the strings of a list: the parts of a name.
func (n *node) names(key string) []string {
	list := n.field(key)
	if list == nil {
		return nil
	}
	var all []string
	for k := list.first; k != nil; k = k.next {
		all = append(all, k.value("sval"))
	}
	return all
}

// decoder reads the JSON of the grammar. A node stands in it as {"RangeVar": {...}}, but without its type where the
// field can hold only one type; embedded knows those.
type decoder struct {
	json string
	pos  int
	free []node // to be used next, and how many they were
	size int
}

func decode(json string) (root *node, err error) {
	d := decoder{json: json, size: 8}
	defer func() {
		if fault, ok := recover().(decodeError); ok {
			err = fault
		}
	}()
	return d.value("", "ParseResult", "ParseResult"), nil
}

type decodeError string

func (e decodeError) Error() string { return "parse tree is not as expected: " + string(e) }

func (d *decoder) fail() {
	panic(decodeError(fmt.Sprintf("byte %d of %d", d.pos, len(d.json))))
}

func (d *decoder) node() *node {
	if len(d.free) == 0 {
		d.size = min(2*d.size, 256)
		d.free = make([]node, d.size)
	}
	n := &d.free[0]
	d.free = d.free[1:]
	return n
}

// value reads what the field key of a node of the kind parent holds. kind is its type, if that is known before.
func (d *decoder) value(key, parent, kind string) *node {
	n := d.node()
	n.key, n.kind = key, kind
	switch d.peek() {
	case '{':
		d.object(n, parent)
	case '[':
		d.list(n, parent)
	case '"':
		n.text = d.string()
	default:
		n.text = d.word()
	}
	return n
}

func (d *decoder) object(n *node, parent string) {
	d.pos++
	last := &n.first
	for d.more('}') {
		key := d.string()
		d.expect(':')
		if n.kind == "" {
			if c := key[0]; 'A' <= c && c <= 'Z' {
				n.kind = key
				d.expect('{')
				d.pos--
				d.object(n, parent)
				d.expect('}')
				return
			}
			n.kind = embeddedIn(parent, n.key)
		}
		*last = d.value(key, n.kind, "")
		last = &(*last).next
	}
}

// list reads a list. Its items can be lists of their own type only by way of a List node.
func (d *decoder) list(n *node, parent string) {
	d.pos++
	last := &n.first
	for d.more(']') {
		item := d.value(n.key, parent, "")
		item.key = ""
		*last = item
		last = &item.next
	}
}

// more moves over a comma, or over the closing character, and reports whether another item follows.
func (d *decoder) more(closing byte) bool {
	switch d.peek() {
	case closing:
		d.pos++
		return false
	case ',':
		d.pos++
	}
	return true
}

func (d *decoder) peek() byte {
	if d.pos >= len(d.json) {
		d.fail()
	}
	return d.json[d.pos]
}

func (d *decoder) expect(c byte) {
	if d.peek() != c {
		d.fail()
	}
	d.pos++
}

// word reads a number, true, false or null.
func (d *decoder) word() string {
	start := d.pos
	for d.pos < len(d.json) && strings.IndexByte(",]}", d.json[d.pos]) < 0 {
		d.pos++
	}
	if d.pos == start {
		d.fail()
	}
	return d.json[start:d.pos]
}

// string reads a string; only one with escapes is copied.
func (d *decoder) string() string {
	d.expect('"')
	rest := d.json[d.pos:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		d.fail()
	}
	if strings.IndexByte(rest[:end], '\\') < 0 {
		d.pos += end + 1
		return rest[:end]
	}
	return d.escaped()
}

func (d *decoder) escaped() string {
	var out strings.Builder
	for {
		c := d.peek()
		d.pos++
		switch c {
		case '"':
			return out.String()
		case '\\':
			out.WriteByte(d.escape())
		default:
			out.WriteByte(c)
		}
	}
}

// escape reads what follows a backslash: all characters that need one are of ASCII.
func (d *decoder) escape() byte {
	c := d.peek()
	d.pos++
	if i := strings.IndexByte("bfnrt", c); i >= 0 {
		return "\b\f\n\r\t"[i]
	}
	if c != 'u' {
		return c
	}
	if d.pos+4 > len(d.json) {
		d.fail()
	}
	code, err := strconv.ParseUint(d.json[d.pos:d.pos+4], 16, 7)
	if err != nil {
		d.fail()
	}
	d.pos += 4
	return byte(code)
}
