package registry

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"mcp-postgres/internal/postgres"
)

// defaultCell bounds one value of an answer, in bytes of its text.
const defaultCell = 64 << 10

// rowLimits bound the rows of one answer.
type rowLimits struct {
	rows, bytes, cell int
	// most is how many rows the caller may ask for.
	most int
	// writes says that the statement writes: the rows that are cut have been written nevertheless.
	writes bool
}

// truncation says what was cut, exactly.
type truncation struct {
	By    string // rows, bytes or cell
	Limit int
	// Cell is the limit of a value where values were cut, too.
	Cell int
}

// objectRows is a sink that writes each row as a JSON object, separated by commas, behind a prefix.
type objectRows struct {
	prefix   string
	limits   rowLimits
	omitNull bool
	whole    bool     // json values are never cut: the answer is made of them
	keys     []string // columns whose last value is kept for a cursor

	cols     []postgres.Column
	types    []*postgres.Type
	names    [][]byte // `"name":`
	keyAt    []int
	lastKey  []string
	buf      []byte
	rows     int
	overflow bool // a row did not fit the bytes
	cellCut  bool
}

// Columns implements postgres.Sink; it starts over.
func (o *objectRows) Columns(cols []postgres.Column) {
	*o = objectRows{prefix: o.prefix, limits: o.limits, omitNull: o.omitNull, whole: o.whole, keys: o.keys, buf: append(o.buf[:0], o.prefix...), cols: cols}
	for i, name := range uniqueNames(cols) {
		o.types = append(o.types, cols[i].Type)
		o.names = append(o.names, append(postgres.AppendString(nil, name), ':'))
	}
	for _, key := range o.keys {
		for i, c := range cols {
			if c.Name == key {
				o.keyAt = append(o.keyAt, i)
				break
			}
		}
	}
}

// has reports whether the answer has the columns. Types are compared by their OID: another one of the same name is another.
func (o *objectRows) has(cols []postgres.Column) bool {
	return slices.EqualFunc(o.cols, cols, func(a, b postgres.Column) bool { return a.Name == b.Name && a.Type.OID == b.Type.OID })
}

func (o *objectRows) hasColumn(name string) bool {
	return slices.ContainsFunc(o.cols, func(c postgres.Column) bool { return c.Name == name })
}

// Row implements postgres.Sink.
func (o *objectRows) Row(values [][]byte) bool {
	start := len(o.buf)
	if o.rows > 0 {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '{')
	first := true
	for i, v := range values {
		if v == nil && o.omitNull {
			continue
		}
		if !first {
			o.buf = append(o.buf, ',')
		}
		first = false
		o.buf = append(o.buf, o.names[i]...)
		o.buf = o.value(o.buf, o.types[i], v)
	}
	o.buf = append(o.buf, '}')
	if len(o.buf) > o.limits.bytes {
		o.buf, o.overflow = o.buf[:start], true
		return false
	}
	o.rows++
	o.remember(values)
	return true
}

func (o *objectRows) remember(values [][]byte) {
	o.lastKey = o.lastKey[:0]
	for _, i := range o.keyAt {
		o.lastKey = append(o.lastKey, string(values[i]))
	}
}

// value writes one value; one over the limit is cut and becomes a string.
func (o *objectRows) value(dst []byte, t *postgres.Type, v []byte) []byte {
	if len(v) <= o.limits.cell || o.whole && t.Kind == postgres.JSON {
		return t.AppendJSON(dst, v)
	}
	o.cellCut = true
	return postgres.AppendString(dst, cutText(v, o.limits.cell))
}

// cutText shortens text to at most n bytes at a character's edge.
func cutText(text []byte, n int) []byte {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// truncated says what was cut of an answer; more means that rows are missing.
func (o *objectRows) truncated(more bool) *truncation {
	var cut *truncation
	switch {
	case o.overflow:
		cut = &truncation{By: "bytes", Limit: o.limits.bytes}
	case more:
		cut = &truncation{By: "rows", Limit: o.limits.rows}
	case o.cellCut:
		return o.limits.cutCell()
	default:
		return nil
	}
	if o.cellCut {
		cut.Cell = o.limits.cell
	}
	return cut
}

// cutCell says that values were cut and nothing else.
func (l rowLimits) cutCell() *truncation { return &truncation{By: "cell", Limit: l.cell} }

// itemsPrefix starts an answer of rows.
const itemsPrefix = `{"items":[`

func (t *truncation) appendJSON(dst []byte) []byte {
	dst = fmt.Appendf(dst, `"truncated":{"by":%q,"limit":%d`, t.By, t.Limit)
	if t.Cell > 0 {
		dst = fmt.Appendf(dst, `,"cell":%d`, t.Cell)
	}
	return append(dst, '}')
}

// uniqueNames keeps columns of the same name apart: name, name_2.
func uniqueNames(cols []postgres.Column) []string {
	names := make([]string, len(cols))
	taken := make(map[string]bool, len(cols))
	for _, c := range cols {
		taken[c.Name] = true
	}
	seen := make(map[string]bool, len(cols))
	for i, c := range cols {
		name := c.Name
		for n := 2; seen[name] || name != c.Name && taken[name]; n++ {
			name = c.Name + "_" + strconv.Itoa(n)
		}
		seen[name] = true
		names[i] = name
	}
	return names
}
