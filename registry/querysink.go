package registry

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// querySink collects the rows of query in one of its formats.
type querySink interface {
	postgres.Sink
	// full reports that a row did not fit the bytes of the answer.
	full() bool
	// result gives the texts of the answer and the memory to take back. committed says what is committed of a statement
	// whose rows were cut, empty for one that reads. A table in Markdown has about so many characters.
	result(out postgres.Outcome, committed string, reply int) (texts []string, buf []byte)
}

func newQuerySink(format any, limits rowLimits, resource bool, buf []byte) (querySink, error) {
	switch format {
	case "json":
		return &jsonTable{objectRows{prefix: itemsPrefix, limits: limits, once: true, resource: resource, buf: buf}}, nil
	case "csv":
		return &csvTable{textTable{limits: limits, buf: buf}}, nil
	case "markdown":
		return &markdownTable{textTable: textTable{limits: limits, buf: buf}}, nil
	}
	return nil, argumentError("format: want markdown, json or csv")
}

// special is a set of bytes that must be escaped in a format.
type special [256]bool

func specialBytes(list string) *special {
	s := &special{}
	for _, c := range []byte(list) {
		s[c] = true
	}
	return s
}

var inCSV, inMarkdown = specialBytes(",\"\r\n"), specialBytes("|\r\n\\")

// anyOf reports whether text has one of them. Cells are short: a search that is prepared for each takes longer.
func (s *special) anyOf(text []byte) bool {
	for _, c := range text {
		if s[c] {
			return true
		}
	}
	return false
}

type jsonTable struct{ objectRows }

func (j *jsonTable) full() bool { return j.overflow }

func (j *jsonTable) result(out postgres.Outcome, committed string, _ int) ([]string, []byte) {
	body := append(j.buf, ']')
	if cut := j.truncated(out.More); cut != nil {
		body = cut.appendJSON(append(body, ','), "truncated")
		if committed != "" {
			body = appendDone(append(body, ','), out)
		}
	}
	body = append(body, '}')
	return []string{string(body)}, body
}

// textTable is what the two text formats share: the values as text and the limits.
type textTable struct {
	limits   rowLimits
	types    []*postgres.Type
	most     []int // bytes of a value
	names    []string
	buf      []byte
	sent     int // bytes of buf in the message
	rows     int
	overflow bool
	reached  string // the limit that it overflowed
	cellCut  bool
	short    int // bytes to which values were cut so that the rows fit; zero is none
}

func (t *textTable) full() bool { return t.overflow }

func (t *textTable) start(cols []postgres.Column) {
	*t = textTable{limits: t.limits, names: uniqueNames(cols), buf: t.buf[:0], sent: t.limits.frame()}
	for _, c := range cols {
		t.types, t.most = append(t.types, c.Type), append(t.most, t.limits.ofType(c.Type))
	}
}

// cell appends the text of a value: that of JSON for the types that JSON writes differently, PostgreSQL's own
// otherwise. One over the limit is cut, and says so.
func (t *textTable) cell(i int, v []byte) {
	limit, start := t.most[i], len(t.buf)
	long := len(v) > limit
	t.cellCut = t.cellCut || long
	switch kind := t.types[i].Kind; {
	case kind == postgres.Bytea && long:
		out, cut := t.types[i].AppendCut(t.buf, v, limit)
		t.buf = append(unquoted(out, start), cut.String()...)
	case long:
		short, _ := postgres.CutText(v, limit)
		t.buf = append(t.buf, short...)
	case kind == postgres.Bool, kind == postgres.Timestamp, kind == postgres.Timestamptz, kind == postgres.Bytea:
		t.buf = unquoted(t.types[i].AppendJSON(t.buf, v), start)
	default:
		t.buf = append(t.buf, v...)
	}
}

// unquoted takes the quotes off a string that begins at start.
func unquoted(buf []byte, start int) []byte {
	if buf[start] != '"' {
		return buf
	}
	return append(buf[:start], buf[start+1:len(buf)-1]...)
}

// end ends a row that began at start; it reports whether there is room for it.
func (t *textTable) end(start int) bool {
	sent := t.sent + pgtext.JSONSize(t.buf[start:])
	if sent > t.limits.bytes {
		t.buf, t.overflow, t.reached = t.buf[:start], true, plural(int64(t.limits.bytes), "byte")
		return false
	}
	t.rows, t.sent = t.rows+1, sent
	return true
}

// note says how many rows there are and what was cut; committed is advice on what the statement did, empty for one that
// reads.
func (t *textTable) note(out postgres.Outcome, committed string) string {
	s := plural(int64(t.rows), "row")
	advice := "Select fewer or shorter columns"
	switch {
	case t.overflow:
		s += fmt.Sprintf(" shown, there are more: the answer reached its limit of %s. ", t.reached)
	case out.More:
		s += fmt.Sprintf(" shown, there are more: the row limit is %d. ", t.limits.rows)
		if advice = "It can't be raised: filter or aggregate"; t.limits.rows < t.limits.most {
			advice = "Raise row_limit, or filter or aggregate"
		}
	}
	switch {
	case !t.overflow && !out.More:
	case committed != "":
		s += committed
	default:
		s += advice
	}
	if t.cellCut {
		s += fmt.Sprintf(". Long values were cut, vectors, bytea and arrays of numbers at %d bytes, others at %d: select a "+
			"part of them", t.limits.bulk, t.limits.cell)
	}
	if t.short > 0 && !t.cellCut {
		s += fmt.Sprintf(". Values were cut at %d bytes so that the rows fit: select fewer rows, or a part of the values",
			t.short)
	}
	return s + "."
}

// csvTable writes RFC 4180 as PostgreSQL's COPY does: NULL is nothing, an empty text is "".
type csvTable struct{ textTable }

// Columns implements postgres.Sink.
func (c *csvTable) Columns(cols []postgres.Column) {
	c.start(cols)
	for i, name := range c.names {
		start := c.next(i)
		c.buf = append(c.buf, name...)
		c.quote(start)
	}
	c.buf = append(c.buf, '\n')
	c.sent += pgtext.JSONSize(c.buf)
}

// Row implements postgres.Sink.
func (c *csvTable) Row(values [][]byte) bool {
	begin := len(c.buf)
	for i, v := range values {
		start := c.next(i)
		if v != nil {
			c.cell(i, v)
			c.quote(start)
		}
	}
	c.buf = append(c.buf, '\n')
	return c.end(begin)
}

// next begins the field of column i and gives its place.
func (c *csvTable) next(i int) int {
	if i > 0 {
		c.buf = append(c.buf, ',')
	}
	return len(c.buf)
}

// quote puts the field that begins at start in quotes, where it needs them.
func (c *csvTable) quote(start int) {
	field := c.buf[start:]
	if len(field) > 0 && field[0] != ' ' && !inCSV.anyOf(field) {
		return
	}
	quoted := strings.ReplaceAll(string(field), `"`, `""`)
	c.buf = append(append(append(c.buf[:start], '"'), quoted...), '"')
}

// result keeps the CSV pure: what was cut is said in a text of its own.
func (c *csvTable) result(out postgres.Outcome, committed string, _ int) ([]string, []byte) {
	texts := []string{string(c.buf)}
	if out.More || c.overflow || c.cellCut {
		texts = append(texts, c.note(out, committed))
	}
	return texts, c.buf
}

// markdownTable writes a table in Markdown, of about as many characters as hosts show.
type markdownTable struct {
	textTable
	long []longCell
	high int // bytes of buf at which long values are cut while there are more rows
}

// shortCell is what at least is shown of a value, in bytes; cutMark is room for what says how much is missing.
const (
	shortCell = 30
	cutMark   = len("... (100000 cut)")
)

// longCell is the place of a value that may be cut, where its text ends, and its length.
type longCell struct{ start, end, text, of int }

// Columns implements postgres.Sink.
func (m *markdownTable) Columns(cols []postgres.Column) {
	m.start(cols)
	m.long, m.high = nil, 8*m.limits.reply
	for _, name := range m.names {
		m.buf = append(m.buf, "| "...)
		start := len(m.buf)
		m.buf = append(m.buf, name...)
		m.escape(start)
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	for range m.names {
		m.buf = append(m.buf, "| --- "...)
	}
	m.buf = append(m.buf, "|\n"...)
	m.sent += pgtext.JSONSize(m.buf)
}

// Row implements postgres.Sink.
func (m *markdownTable) Row(values [][]byte) bool {
	begin, long := len(m.buf), len(m.long)
	for i, v := range values {
		m.buf = append(m.buf, "| "...)
		if v == nil {
			m.buf = append(m.buf, "NULL"...)
		} else {
			start := len(m.buf)
			m.cell(i, v)
			if m.types[i].Kind == postgres.Numeric {
				m.buf = withoutZeros(m.buf, start)
			}
			m.escape(start)
			if len(m.buf)-start > shortCell {
				m.long = append(m.long, longCell{start, len(m.buf), len(m.buf), len(v)})
			}
		}
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	if !m.end(begin) {
		m.long = m.long[:long]
		return false
	}
	if len(m.buf) > m.high && m.fits() {
		m.shorten(m.limits.reply)
		m.high, m.sent = max(m.high, 2*len(m.buf)), m.limits.frame()+pgtext.JSONSize(m.buf)
	}
	return true
}

// escape keeps the text from start on its line and in its column.
func (m *markdownTable) escape(start int) {
	if inMarkdown.anyOf(m.buf[start:]) {
		m.buf = append(m.buf[:start], markdownEscapes.Replace(string(m.buf[start:]))...)
	}
}

var markdownEscapes = strings.NewReplacer("\\", `\\`, "|", `\|`, "\r\n", "<br>", "\n", "<br>", "\r", "<br>")

// withoutZeros takes off the zeros at the end of a number of sixteen digits behind the point and more, which PostgreSQL
// computes.
func withoutZeros(buf []byte, start int) []byte {
	if point := bytes.IndexByte(buf[start:], '.'); point < 0 || len(buf)-start-point <= 16 {
		return buf
	}
	return bytes.TrimRight(bytes.TrimRight(buf, "0"), ".")
}

// fits reports whether the table is to fit what hosts show: who asks for many rows wants all of them as they are.
func (m *markdownTable) fits() bool { return m.limits.rows <= defaultQueryRow }

// fit shortens the longest values, down to shortCell, and then leaves out rows, unless the caller asked for them.
func (m *markdownTable) fit(reply int, committed string) {
	if !m.fits() {
		return
	}
	m.shorten(reply)
	rows := len(m.names) > 0 && !m.limits.asked && committed != committedAll
	if end := bytes.LastIndexByte(m.buf[:min(max(reply, 0), len(m.buf))], '\n') + 1; rows && end < len(m.buf) {
		if shown := bytes.Count(m.buf[:end], []byte{'\n'}) - 2; shown > 0 {
			m.buf, m.rows, m.overflow, m.reached = m.buf[:end], shown, true, plural(int64(m.limits.reply), "character")
		}
	}
}

// shorten cuts the longest values so that the table has so many bytes.
func (m *markdownTable) shorten(reply int) {
	loss := len(m.buf) - reply
	if loss <= 0 || len(m.long) == 0 {
		return
	}
	m.short = shortCell + sort.Search(len(m.buf), func(n int) bool { // the least that is too long
		sum := 0
		for _, c := range m.long {
			sum += max(0, c.end-c.start-(shortCell+n+1)-cutMark)
		}
		return sum < loss
	})
	short, at := make([]byte, 0, len(m.buf)), 0
	for i, c := range m.long {
		short = append(short, m.buf[at:c.start]...)
		at = c.end
		start, text := len(short), m.buf[c.start:c.text]
		if c.end-c.start > m.short+cutMark {
			text = bytes.TrimRight(pgtext.Cut(text, m.short), `\`)
			short = fmt.Appendf(append(short, text...), "... (%d cut)", c.of-len(markdownPlain.Replace(string(text))))
		} else {
			short = append(short, m.buf[c.start:c.end]...)
		}
		m.long[i] = longCell{start, len(short), start + len(text), c.of}
	}
	m.buf = append(short, m.buf[at:]...)
}

var markdownPlain = strings.NewReplacer(`\\`, `\`, `\|`, "|", "<br>", "\n")

func (m *markdownTable) full() bool { return m.overflow || m.fits() && len(m.buf) > m.limits.reply }

func (m *markdownTable) result(out postgres.Outcome, committed string, reply int) ([]string, []byte) {
	m.fit(reply-200, committed) // the note is to come
	m.buf = append(append(m.buf, '\n'), m.note(out, committed)...)
	return []string{string(m.buf)}, m.buf
}
