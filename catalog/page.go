package catalog

import (
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/internal/pgtext"

	"gopkg.in/yaml.v3"
)

// The page sizes of a tool that names none.
const (
	defaultPageSize = 100
	defaultPageMax  = 1000
	highestPageMax  = 10000
)

// PageKey is the name in Statement.Args of the value of Page.Key[i-1] in the last row of the page before; i counts
// from 1.
func PageKey(i int) string { return fmt.Sprintf("page_key_%d", i) }

// page reads the page key. An absent max is 1000, or size if that is more; an absent size is 100, or max if that is less.
func (f *file) page(t *Tool, m mapping) {
	if !m.has("page") {
		return
	}
	node := m.values["page"]
	p, ok := f.mapping(node, "page", "key", "size", "max")
	if !ok {
		return
	}
	t.Page = &Page{Size: defaultPageSize, Max: defaultPageMax}
	size, most := p.count("size", 1), p.count("max", 1)
	if most != nil {
		t.Page.Max = *most
		t.Page.Size = min(t.Page.Size, *most)
	}
	if size != nil {
		t.Page.Size = *size
		if most == nil {
			t.Page.Max = max(t.Page.Max, *size)
		}
	}
	f.pageSizes(t, p)
	f.pageKey(t, p)
	if t.Result != Rows {
		f.nodeFault(node, "page with result %s: want result rows", t.Result)
	}
	if t.Access != Read {
		f.nodeFault(node, "page with access %s: want access read", t.Access)
	}
}

func (f *file) pageSizes(t *Tool, p mapping) {
	switch {
	case t.Page.Max > highestPageMax:
		f.nodeFault(p.firstOf("max", "size"), "page max %d: want at most %d", t.Page.Max, highestPageMax)
	case t.Page.Size > t.Page.Max:
		f.nodeFault(p.firstOf("size"), "page size %d is greater than max %d: want at most max", t.Page.Size, t.Page.Max)
	case t.Limits.Rows > 0 && t.Page.Max > t.Limits.Rows:
		f.nodeFault(p.firstOf("max", "size"), "page max %d is greater than limits rows %d: want at most that",
			t.Page.Max, t.Limits.Rows)
	}
}

// firstOf returns the value of the first key that is there, or else the whole mapping.
func (m mapping) firstOf(keys ...string) *yaml.Node {
	for _, k := range keys {
		if m.has(k) {
			return m.values[k]
		}
	}
	return m.node
}

func (f *file) pageKey(t *Tool, p mapping) {
	if !p.has("key") {
		f.nodeFault(p.node, "page key is missing: want a list of output columns, together unique and not null")
	}
	first := true
	for _, n := range p.list("key") {
		if !isText(n) || strings.Trim(n.Value, "-") == "" || strings.IndexByte(n.Value, 0) >= 0 {
			f.wrongKind(n, "page key %s: want the name of an output column", describe(n))
			continue
		}
		column, descending := strings.CutPrefix(n.Value, "-")
		if first {
			t.Page.Descending = descending
		}
		first = false
		switch {
		case descending != t.Page.Descending:
			f.nodeFault(n, "page key %q: want one direction for the whole key, - before all columns or none", n.Value)
		case slices.Contains(t.Page.Key, column):
			f.nodeFault(n, "page key %q is here twice: want each column once", n.Value)
		default:
			t.Page.Key = append(t.Page.Key, column)
		}
	}
}

// pagePrefix stands before the SQL of a tool in the statements of its pages.
const pagePrefix = "SELECT * FROM (\n"

// compile wraps the tool's statement into those of its pages.
func (p *Page) compile(st Statement) {
	columns, order, values := make([]string, len(p.Key)), make([]string, len(p.Key)), make([]string, len(p.Key))
	after, args := ">", slices.Clone(st.Args)
	for i, key := range p.Key {
		columns[i] = pgtext.Identifier(key)
		order[i] = columns[i]
		if p.Descending {
			after = "<"
			order[i] += " DESC"
		}
		args = append(args, PageKey(i+1))
		values[i] = fmt.Sprintf("$%d", len(args))
	}
	left, right := strings.Join(columns, ", "), strings.Join(values, ", ")
	if len(p.Key) > 1 {
		left, right = "("+left+")", "("+right+")"
	}
	from := pagePrefix + st.SQL + "\n) AS page"
	tail := " ORDER BY " + strings.Join(order, ", ")
	p.First = limited(from+tail, slices.Clone(st.Args))
	p.Next = limited(fmt.Sprintf("%s WHERE %s %s %s%s", from, left, after, right, tail), args)
}

func limited(sql string, args []string) Statement {
	args = append(args, PageLimit)
	return Statement{SQL: fmt.Sprintf("%s LIMIT $%d::bigint", sql, len(args)), Args: args}
}
