package registry

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/postgres"
)

// querySink collects the rows of query in one of its formats.
type querySink interface {
	postgres.Sink
	result(postgres.Outcome) *mcp.CallToolResult
}

func newQuerySink(format any, limits rowLimits) (querySink, error) {
	switch format {
	case "json":
		return &jsonTable{objectRows{prefix: itemsPrefix, limits: limits}}, nil
	case "csv":
		return &csvTable{textTable: textTable{limits: limits}}, nil
	case "markdown":
		return &markdownTable{textTable: textTable{limits: limits}}, nil
	}
	return nil, argumentError("format: want markdown, json or csv")
}

type jsonTable struct{ objectRows }

func (j *jsonTable) result(out postgres.Outcome) *mcp.CallToolResult {
	body := append(j.buf, ']')
	if cut := j.truncated(out.More); cut != nil {
		body = cut.appendJSON(append(body, ','))
	}
	return jsonResult(append(body, '}'))
}

// textTable is what the two text formats share: the values as text and the limits.
type textTable struct {
	limits   rowLimits
	types    []*postgres.Type
	names    []string
	rows     int
	overflow bool
	cellCut  bool
}

func (t *textTable) start(cols []postgres.Column) {
	*t = textTable{limits: t.limits, names: uniqueNames(cols)}
	for _, c := range cols {
		t.types = append(t.types, c.Type)
	}
}

// cell gives the text of a value: that of JSON for the types that JSON writes differently, PostgreSQL's own otherwise.
func (t *textTable) cell(i int, v []byte) []byte {
	if len(v) > t.limits.cell {
		t.cellCut = true
		return cutText(v, t.limits.cell)
	}
	switch t.types[i].Kind {
	case postgres.Bool, postgres.Timestamp, postgres.Timestamptz, postgres.Bytea:
		return bytes.Trim(t.types[i].AppendJSON(nil, v), `"`)
	}
	return v
}

// note says how many rows there are and what was cut.
func (t *textTable) note(out postgres.Outcome) string {
	s := plural(int64(t.rows), "row")
	cut := cutBy(t.limits, out.More, t.overflow, t.cellCut)
	switch {
	case cut == nil:
		return s + "."
	case cut.By == "cell":
		return fmt.Sprintf("%s. Values longer than %d bytes were cut.", s, cut.Limit)
	case cut.By == "bytes":
		return fmt.Sprintf("%s shown, there are more: the answer reached its limit of %d bytes. Select fewer or shorter columns.", s, cut.Limit)
	}
	return fmt.Sprintf("%s shown, there are more: the row limit is %d. Raise row_limit, or filter or aggregate.", s, cut.Limit)
}

type csvTable struct {
	textTable
	buf bytes.Buffer
	w   *csv.Writer
}

// Columns implements postgres.Sink.
func (c *csvTable) Columns(cols []postgres.Column) {
	c.start(cols)
	c.buf.Reset()
	c.w = csv.NewWriter(&c.buf)
	_ = c.w.Write(c.names) // a bytes.Buffer takes everything
}

// Row implements postgres.Sink.
func (c *csvTable) Row(values [][]byte) bool {
	c.w.Flush()
	start := c.buf.Len()
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = string(c.cell(i, v))
	}
	_ = c.w.Write(record)
	c.w.Flush()
	if c.buf.Len() > c.limits.bytes {
		c.buf.Truncate(start)
		c.overflow = true
		return false
	}
	c.rows++
	return true
}

// result keeps the CSV pure: what was cut is said in a text of its own.
func (c *csvTable) result(out postgres.Outcome) *mcp.CallToolResult {
	c.w.Flush()
	if cutBy(c.limits, out.More, c.overflow, c.cellCut) == nil {
		return textResult(c.buf.String())
	}
	return textResult(c.buf.String(), c.note(out))
}

type markdownTable struct {
	textTable
	buf []byte
}

// Columns implements postgres.Sink.
func (m *markdownTable) Columns(cols []postgres.Column) {
	m.start(cols)
	m.buf = m.buf[:0]
	for _, name := range m.names {
		m.buf = appendMarkdownCell(append(m.buf, "| "...), []byte(name))
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	for range m.names {
		m.buf = append(m.buf, "| --- "...)
	}
	m.buf = append(m.buf, "|\n"...)
}

// Row implements postgres.Sink.
func (m *markdownTable) Row(values [][]byte) bool {
	start := len(m.buf)
	for i, v := range values {
		m.buf = append(m.buf, "| "...)
		if v == nil {
			m.buf = append(m.buf, "NULL"...)
		} else {
			m.buf = appendMarkdownCell(m.buf, m.cell(i, v))
		}
		m.buf = append(m.buf, ' ')
	}
	m.buf = append(m.buf, "|\n"...)
	if len(m.buf) > m.limits.bytes {
		m.buf, m.overflow = m.buf[:start], true
		return false
	}
	m.rows++
	return true
}

func (m *markdownTable) result(out postgres.Outcome) *mcp.CallToolResult {
	return textResult(string(m.buf) + "\n" + m.note(out))
}

// appendMarkdownCell keeps a value on its line and in its column.
func appendMarkdownCell(dst, v []byte) []byte {
	if !bytes.ContainsAny(v, "|\r\n\\") {
		return append(dst, v...)
	}
	return append(dst, markdownEscapes.Replace(string(v))...)
}

var markdownEscapes = strings.NewReplacer("\\", `\\`, "|", `\|`, "\r\n", "<br>", "\n", "<br>", "\r", "<br>")
