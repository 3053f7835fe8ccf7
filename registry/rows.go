package registry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// rowLimits bound the rows of one answer.
type rowLimits struct {
	rows, bytes, cell int
	// reply is how many characters a table in Markdown should have; asked says that the caller wants that many rows.
	reply int
	asked bool
	// bulk is the limit for bytea, arrays of numbers and vectors, which nobody reads to the end; zero means cell.
	bulk int
	// most is how many rows the caller may ask for.
	most int
}

// frame is room in the message of an answer for what is around its rows, in bytes: the protocol, what was cut, notices.
func (l rowLimits) frame() int { return min(10<<10, l.bytes/4) }

// ofType is the limit of a value of a type, in bytes.
func (l rowLimits) ofType(t *postgres.Type) int {
	if l.bulk > 0 && bulky(t) {
		return min(l.bulk, l.cell)
	}
	return l.cell
}

// bulky reports bytes, arrays of anything but text and JSON, and the vectors of pgvector.
func bulky(t *postgres.Type) bool {
	switch t.Kind {
	case postgres.Bytea:
		return true
	case postgres.Array:
		return t.Elem.Kind != postgres.Text && t.Elem.Kind != postgres.JSON || bulky(t.Elem)
	}
	name := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	return name == "vector" || name == "halfvec" || name == "sparsevec"
}

// truncation says what was cut, exactly.
type truncation struct {
	By    string `json:"by"` // rows, bytes or cell
	Limit int    `json:"limit"`
	// Cell is the limit of a value where values were cut, too.
	Cell int `json:"cell,omitempty"`
	// Cells are the first values that were cut, More is how many others were.
	Cells []cutCell `json:"cells,omitempty"`
	More  int       `json:"more_cells,omitempty"`
}

// cutCell says how much there is of a value that was cut.
type cutCell struct {
	Row    int    `json:"row,omitempty"` // from 1; zero where there is only one
	Column string `json:"column"`
	postgres.Cut
}

// listedCells bounds the values that are listed as cut; cellSize is room for one in the message, beside its column's
// name.
const (
	listedCells = 10
	cellSize    = 100
)

// objectRows is a sink that writes each row as a JSON object, separated by commas, behind a prefix.
type objectRows struct {
	prefix   string
	limits   rowLimits
	omitNull bool
	whole    bool     // json values are never cut: the answer is made of them
	once     bool     // the answer is sent as text alone, not as structured content too
	resource bool     // the answer is sent as a resource, in which the library writes <, > and & as six bytes
	keys     []string // columns whose last value is kept for a cursor

	cols     []postgres.Column
	types    []*postgres.Type
	most     []int    // bytes of a value
	names    [][]byte // `"name":`
	keyAt    []int
	lastKey  []string
	buf      []byte
	sent     int // bytes of buf in the message
	rows     int
	overflow bool // a row did not fit the bytes
	cells    []cutCell
	cut      int // values, also those that are not listed
	cutAt    int // the limit of the last of them
}

// Columns implements postgres.Sink; it starts over.
func (o *objectRows) Columns(cols []postgres.Column) {
	*o = objectRows{prefix: o.prefix, limits: o.limits, omitNull: o.omitNull, whole: o.whole, once: o.once,
		resource: o.resource, keys: o.keys,
		buf: append(o.buf[:0], o.prefix...), cols: cols, sent: o.limits.frame()}
	for i, name := range uniqueNames(cols) {
		o.types, o.most = append(o.types, cols[i].Type), append(o.most, o.limits.ofType(cols[i].Type))
		o.names = append(o.names, append(pgtext.AppendJSON(nil, name), ':'))
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

// has reports whether the answer has the columns. Types are compared by OID: a type that was dropped and created again
// is another one.
func (o *objectRows) has(cols []postgres.Column) bool {
	return slices.EqualFunc(o.cols, cols, func(a, b postgres.Column) bool {
		return a.Name == b.Name && a.Type.OID == b.Type.OID
	})
}

func (o *objectRows) hasColumn(name string) bool {
	return slices.ContainsFunc(o.cols, func(c postgres.Column) bool { return c.Name == name })
}

// Row implements postgres.Sink.
func (o *objectRows) Row(values [][]byte) bool {
	start, cut := len(o.buf), o.cut
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
		o.value(i, v)
	}
	o.buf = append(o.buf, '}')
	sent := o.sent + o.size(o.buf[start:])
	listed := min(cut, len(o.cells))
	for _, c := range o.cells[listed:] {
		sent += 2 * (cellSize + len(c.Column))
	}
	if sent+o.cursorSize(values) > o.limits.bytes {
		o.buf, o.overflow, o.cut, o.cells = o.buf[:start], true, cut, o.cells[:listed]
		return false
	}
	o.rows, o.sent = o.rows+1, sent
	o.remember(values)
	return true
}

// cursorSize is room in the message for a cursor behind a row: its key in base64, twice.
func (o *objectRows) cursorSize(values [][]byte) int {
	n := 0
	for _, i := range o.keyAt {
		n += 2 * (cellSize + 2*len(values[i]))
	}
	return n
}

// size is how many bytes of a message a part of the answer takes. It is JSON, in which a text has no control
// characters.
func (o *objectRows) size(part []byte) int {
	n := len(part) + bytes.Count(part, []byte{'"'}) + bytes.Count(part, []byte{'\\'})
	if !o.once {
		n += len(part)
	}
	if o.resource {
		for _, c := range []byte("<>&") {
			n += bytes.Count(part, []byte{c}) * (len(`\u003c`) - 1)
		}
	}
	return n
}

func (o *objectRows) remember(values [][]byte) {
	o.lastKey = o.lastKey[:0]
	for _, i := range o.keyAt {
		o.lastKey = append(o.lastKey, string(values[i]))
	}
}

// value writes the value of column i; one over the limit is cut.
func (o *objectRows) value(i int, v []byte) {
	t, limit := o.types[i], o.most[i]
	if len(v) <= limit || o.whole && t.Kind == postgres.JSON {
		o.buf = t.AppendJSON(o.buf, v)
		return
	}
	var cut postgres.Cut
	if o.buf, cut = t.AppendCut(o.buf, v, limit); cut.Kept == cut.Of {
		return
	}
	o.cutAt = limit
	if o.cut++; o.cut <= listedCells {
		o.cells = append(o.cells, cutCell{Row: o.rows + 1, Column: uniqueNames(o.cols)[i], Cut: cut})
	}
}

// truncated says what was cut of an answer; more means that rows are missing.
func (o *objectRows) truncated(more bool) *truncation {
	cut := &truncation{Cells: o.cells, More: o.cut - len(o.cells)}
	switch {
	case o.overflow:
		cut.By, cut.Limit = "bytes", o.limits.bytes
	case more:
		cut.By, cut.Limit = "rows", o.limits.rows
	case o.cut > 0:
		cut.By, cut.Limit = "cell", o.cutAt
		return cut
	default:
		return nil
	}
	if o.cut > 0 {
		cut.Cell = o.cutAt
	}
	return cut
}

// itemsPrefix starts an answer of rows.
const itemsPrefix = `{"items":[`

// appendJSON appends it as a member of an object.
func (t *truncation) appendJSON(dst []byte, name string) []byte {
	body, _ := json.Marshal(t) // numbers and names
	return append(append(pgtext.AppendJSON(dst, name), ':'), body...)
}

// unlike gives name, with underscores behind it where a column already has that name.
func unlike(name string, cols []postgres.Column) string {
	for slices.Contains(uniqueNames(cols), name) {
		name += "_"
	}
	return name
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

// buffers are reused by the calls of a tool to write answers into. The answer is copied once its size is known. The
// zero value is ready.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return (*p)[:0]
	}
	return nil
}

// put takes memory back; nothing may refer to it any more.
func (b *buffers) put(buf []byte) {
	if cap(buf) > 0 {
		b.pool.Put(&buf)
	}
}
