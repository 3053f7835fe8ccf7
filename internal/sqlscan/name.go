package sqlscan

import "strings"

// Name is an identifier, or a chain of identifiers joined by dots, as it stands in SQL. Keywords count as identifiers.
type Name struct {
	Parts []Part
	// first and last count its tokens among the significant ones; text is the first and before the one before it, in
	// lower case.
	first, last  int
	text, before string
}

// Part is one identifier of a Name.
type Part struct {
	// Text is the identifier as PostgreSQL reads it: in lower case, or without its quotes.
	Text string
	// Start and End are its place in the SQL.
	Start, End int
}

// Last is the last part: a table, column or function.
func (n Name) Last() Part { return n.Parts[len(n.Parts)-1] }

// Covers reports whether the byte at offset is part of the name.
func (n Name) Covers(offset int) bool { return n.Parts[0].Start <= offset && offset < n.Last().End }

// String joins the parts with dots, as PostgreSQL's messages do.
func (n Name) String() string {
	texts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, ".")
}

// Names are the names in SQL, in their order.
func Names(sql string) []Name {
	tokens := Significant(sql)
	text := func(i int) string {
		if i < 0 || i >= len(tokens) {
			return ""
		}
		return strings.ToLower(sql[tokens[i].Start:tokens[i].End])
	}
	var names []Name
	for i := 0; i < len(tokens); i++ {
		if !isIdentifier(tokens[i]) {
			continue
		}
		n := Name{Parts: []Part{part(sql, tokens[i])}, first: i, text: text(i), before: text(i - 1)}
		for text(i+1) == "." && i+2 < len(tokens) && isIdentifier(tokens[i+2]) {
			i += 2
			n.Parts = append(n.Parts, part(sql, tokens[i]))
		}
		n.last = i
		names = append(names, n)
	}
	return names
}

func isIdentifier(t Token) bool { return t.Kind == Word || t.Kind == Quoted && t.Fault == "" }

// part reads an identifier. The escapes of U&"..." are left as they are.
func part(sql string, t Token) Part {
	text := sql[t.Start:t.End]
	if t.Kind == Quoted {
		_, text, _ = strings.Cut(strings.TrimSuffix(text, `"`), `"`)
		return Part{strings.ReplaceAll(text, `""`, `"`), t.Start, t.End}
	}
	return Part{strings.Map(lower, text), t.Start, t.End}
}

// lower folds as PostgreSQL does in UTF-8: only ASCII.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r | 0x20
	}
	return r
}
