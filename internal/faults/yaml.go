package faults

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// notYAML finds the characters that YAML can't hold or takes for the end of a line.
var notYAML = regexp.MustCompile(`\r(?:[^\n]|$)|[^\t\r\n\x20-\x7e\x{a0}-\x{2027}` +
	`\x{202a}-\x{d7ff}\x{e000}-\x{fefe}\x{ff00}-\x{fffd}\x{10000}-\x{10ffff}]`)

// Document reads the whole file, of at most maxBytes. The node is nil where it can't be read, which is recorded, or is
// empty: that is a fault too where want says what it must have.
func (f *File) Document(maxBytes int, want string) *yaml.Node {
	if !f.IsText(maxBytes) {
		return nil
	}
	root, ok := f.YAML(0, len(f.Text))
	if ok && root == nil && want != "" {
		f.Add(1, 1, "the file is empty: want %s", want)
	}
	return root
}

// YAML parses Text[start:end], which holds one document of plain data; the nodes have the lines of the file. The node
// is nil if there is none. ok is false where the text is not YAML, which is recorded; what is valid YAML but no plain
// data is recorded too.
func (f *File) YAML(start, end int) (root *yaml.Node, ok bool) {
	if !f.charactersOfYAML(start, end) {
		return nil, false
	}
	line, _ := f.Position(start)
	decoder := yaml.NewDecoder(strings.NewReader(strings.Repeat("\n", line-1) + f.Text[start:end]))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, true
	case err != nil:
		f.syntaxError(err, line)
		return nil, false
	}
	if err := decoder.Decode(&second); err == nil {
		f.AddNode(&second, "second YAML document: want one")
	} else if !errors.Is(err, io.EOF) {
		f.syntaxError(err, line)
	}
	f.plainData(doc.Content[0])
	return doc.Content[0], true
}

func (f *File) charactersOfYAML(start, end int) bool {
	const enough = 20 // in a binary file every byte is a fault
	found := notYAML.FindAllStringIndex(f.Text[start:end], enough)
	for _, at := range found {
		offset := start + at[0]
		if r, _ := utf8.DecodeRuneInString(f.Text[offset:]); r == '\r' {
			f.AddAt(offset, `lone carriage return: want lines to end with \n or \r\n`)
		} else {
			f.AddAt(offset, "control character %U: want text", r)
		}
	}
	return len(found) == 0
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntaxError records an error of the YAML parser, which knows only a line, and for one family of errors the one
// before.
func (f *File) syntaxError(err error, firstLine int) {
	line, problem := firstLine, strings.TrimPrefix(err.Error(), "yaml: ")
	if at := yamlLine.FindStringSubmatch(err.Error()); at != nil {
		line, _ = strconv.Atoi(at[1])
		problem = strings.TrimPrefix(err.Error(), at[0])
		if strings.HasPrefix(problem, "did not find expected") {
			line++
		}
	}
	f.Add(min(max(line, 1), len(f.lines)), 1, "YAML syntax: %s%s", problem, syntaxHint(problem))
}

// syntaxHint says what usually causes an error of the YAML parser.
func syntaxHint(problem string) string {
	for _, known := range []struct{ problem, hint string }{
		{"mapping values are not allowed", `a text with ": " in it needs quotes`},
		{"could not find expected ':'", "want key: value, and a text of several lines after | or indented"},
		{"did not find expected ',' or", "the list or mapping is not closed; " +
			"a text with a comma, a colon, a bracket, a quote or # in it needs quotes"},
		{"did not find expected node content", "the list or mapping is not closed; " +
			"a text that starts with a bracket or a comma needs quotes"},
		{"did not find expected", "want the items of a list, and the keys of a mapping, indented alike; " +
			"a text with quotes in it needs quotes around all of it"},
		{"found character that cannot start any token", "want blanks to indent, not tabs; " +
			"a text that starts with @, % or ` needs quotes"},
		{"found a tab character", "want blanks to indent, not tabs"},
		{"found unexpected end of stream", "a quote is not closed"},
	} {
		if strings.HasPrefix(problem, known.problem) {
			return ": " + known.hint
		}
	}
	return ""
}

// plainData records what makes YAML more than plain data.
func (f *File) plainData(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		f.Add(n.Line, n.Column, "YAML alias *%s: want the value itself", n.Value)
	case n.Anchor != "":
		f.AddNode(n, "YAML anchor &%s: want the value without it", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		f.AddNode(n, "YAML tag %s: want the value without it", n.Tag)
	case n.ShortTag() == "!!merge":
		f.AddNode(n, "YAML merge key <<: want the keys themselves")
	}
	for _, child := range n.Content {
		f.plainData(child)
	}
}

// AddNode records a fault at a node. An alias has one already: it stands for no value.
func (f *File) AddNode(n *yaml.Node, format string, args ...any) {
	if n.Kind != yaml.AliasNode {
		f.Add(n.Line, n.Column, format, args...)
	}
}

// Entry is a key of a mapping with its value.
type Entry struct{ Key, Value *yaml.Node }

// Entries reads a mapping with any keys, each a text and there once; what names it in messages, and want says what it
// should hold. A missing node has no entries.
func (f *File) Entries(n *yaml.Node, what, want string) (entries []Entry, ok bool) {
	if n == nil {
		return nil, false
	}
	if n.Kind != yaml.MappingNode {
		f.AddNode(n, "%s is %s: want %s", what, Describe(n), want)
		return nil, false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := Entry{n.Content[i], n.Content[i+1]}
		switch {
		case e.Key.Kind == yaml.AliasNode || e.Key.ShortTag() == "!!merge": // recorded already
		case e.Key.Kind != yaml.ScalarNode || strings.TrimSpace(e.Key.Value) == "":
			f.AddNode(e.Key, "a key of %s is %s: want a name", what, Describe(e.Key))
		case seen[e.Key.Value]:
			f.AddNode(e.Key, "key %q is in %s twice: want it once", e.Key.Value, what)
		default:
			seen[e.Key.Value] = true
			entries = append(entries, e)
		}
	}
	return entries, true
}

// Mapping is a YAML mapping with known keys. Its methods read the value of a key; they return the zero value where the
// value is absent, and also where it is wrong, which they record.
type Mapping struct {
	*File
	Node   *yaml.Node
	Values map[string]*yaml.Node
}

// Mapping reads a node as a mapping; what names it in messages. Unknown and repeated keys are recorded.
func (f *File) Mapping(n *yaml.Node, what string, known ...string) (m Mapping, ok bool) {
	m = Mapping{f, n, map[string]*yaml.Node{}}
	entries, ok := f.Entries(n, what, "keys and values ("+OneOf(known)+")")
	for _, e := range entries {
		if slices.Contains(known, e.Key.Value) {
			m.Values[e.Key.Value] = e.Value
			continue
		}
		hint := Choose(e.Key.Value, known) + commaHint(n, e.Value)
		f.AddNode(e.Key, "unknown key %q in %s%s", e.Key.Value, what, hint)
	}
	return m, ok
}

// commaHint explains a key that is the rest of a text: {title: Open, unpaid orders}.
func commaHint(mapping, value *yaml.Node) string {
	if mapping.Style&yaml.FlowStyle != 0 && value.ShortTag() == "!!null" && value.Value == "" {
		return "; a text with a comma in it needs quotes"
	}
	return ""
}

// Has reports whether the key is there.
func (m Mapping) Has(key string) bool { return m.Values[key] != nil }

// Text reads a text that is not blank.
func (m Mapping) Text(key string) string { return m.TextOf(m.Values[key], key) }

// TextOf reads a node as a text that is not blank; what names it in messages. A missing node is no fault.
func (f *File) TextOf(n *yaml.Node, what string) string {
	switch {
	case n == nil:
	case !IsText(n):
		f.AddNode(n, "%s is %s: want text%s%s", what, Describe(n), QuoteHint(n), f.commentHint(n))
	case strings.TrimSpace(n.Value) == "":
		f.AddNode(n, "%s is blank: want text", what)
	case strings.IndexByte(n.Value, 0) >= 0:
		f.AddNode(n, "%s holds a zero byte: want text", what)
	default:
		return n.Value
	}
	return ""
}

// commentHint explains an empty value before a comment, which may be meant as the value: title: #1 by revenue.
func (f *File) commentHint(n *yaml.Node) string {
	line, _, _ := strings.Cut(f.Text[f.lines[n.Line-1]:], "\n")
	runes := []rune(line)
	rest := strings.TrimSpace(string(runes[min(n.Column-1, len(runes)):]))
	if n.ShortTag() == "!!null" && n.Value == "" && strings.HasPrefix(rest, "#") {
		return "; a text with # in it needs quotes"
	}
	return ""
}

// Prose reads a text without the line end that YAML's > and | leave.
func (m Mapping) Prose(key string) string { return strings.TrimSpace(m.Text(key)) }

// Choice reads one of the words; the first is the default.
func (m Mapping) Choice(key string, words ...string) string {
	n := m.Values[key]
	switch {
	case n == nil:
	case n.Kind != yaml.ScalarNode:
		m.AddNode(n, "%s is %s: want %s", key, Describe(n), OneOf(words))
	case !slices.Contains(words, n.Value):
		m.AddNode(n, "%s %q: want %s", key, n.Value, OneOf(words))
	default:
		return n.Value
	}
	return words[0]
}

// Flag reads true or false.
func (m Mapping) Flag(key string, absent bool) bool {
	n := m.Values[key]
	switch {
	case n == nil:
	case n.ShortTag() != "!!bool":
		m.AddNode(n, "%s is %s: want true or false", key, Describe(n))
	default:
		return strings.EqualFold(n.Value, "true")
	}
	return absent
}

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)

// Count reads a whole number of at least low and less than a billion; it is nil if absent or wrong.
func (m Mapping) Count(key string, low int) *int {
	n := m.Values[key]
	if n == nil {
		return nil
	}
	i := -1
	if n.ShortTag() == "!!int" && decimal.MatchString(n.Value) {
		i, _ = strconv.Atoi(n.Value)
	}
	if i < low {
		m.AddNode(n, "%s is %s: want a whole number from %d to 999999999", key, Describe(n), low)
		return nil
	}
	return &i
}

// Number is Count from 1, where 0 is an absent or wrong number.
func (m Mapping) Number(key string) int {
	if n := m.Count(key, 1); n != nil {
		return *n
	}
	return 0
}

// Duration reads a Go duration of at least a millisecond, the step of PostgreSQL's clock, and at most a day.
func (m Mapping) Duration(key string) time.Duration {
	n := m.Values[key]
	if n == nil {
		return 0
	}
	d, err := time.ParseDuration(n.Value)
	if n.ShortTag() != "!!str" || err != nil || d < time.Millisecond || d > 24*time.Hour {
		m.AddNode(n, "%s is %s: want a duration from 1ms to 24h, such as 10s", key, Describe(n))
		return 0
	}
	return d
}

// List reads a list, which may be empty.
func (m Mapping) List(key string) []*yaml.Node {
	n := m.Values[key]
	switch {
	case n == nil:
	case n.Kind != yaml.SequenceNode:
		m.AddNode(n, "%s is %s: want a list", key, Describe(n))
	default:
		return n.Content
	}
	return nil
}

// Items reads a list that is not empty.
func (m Mapping) Items(key string) []*yaml.Node {
	items := m.List(key)
	if n := m.Values[key]; len(items) == 0 && n != nil && n.Kind == yaml.SequenceNode {
		m.AddNode(n, "%s is an empty list: want at least one item", key)
	}
	return items
}

// Texts gives the nodes of a list that are texts, each once.
func (m Mapping) Texts(key string, items []*yaml.Node) []*yaml.Node {
	var texts []*yaml.Node
	for _, n := range items {
		switch {
		case !IsText(n) || strings.TrimSpace(n.Value) == "" || strings.IndexByte(n.Value, 0) >= 0:
			m.AddNode(n, "%s holds %s: want text%s", key, Describe(n), QuoteHint(n))
		case slices.ContainsFunc(texts, func(old *yaml.Node) bool { return old.Value == n.Value }):
			m.AddNode(n, "%s holds %q twice: want it once", key, n.Value)
		default:
			texts = append(texts, n)
		}
	}
	return texts
}

// Names reads a list of texts, each once and at least one.
func (m Mapping) Names(key string) []string {
	var names []string
	for _, n := range m.Texts(key, m.Items(key)) {
		names = append(names, n.Value)
	}
	return names
}

// IsText reports whether the node is text to people: YAML takes an unquoted date for something else.
func IsText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp")
}

// Describe names a node's value for people.
func Describe(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!null":
		return "null"
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return n.Value
	}
	if utf8.RuneCountInString(n.Value) > 60 {
		return fmt.Sprintf("%.57q...", n.Value)
	}
	return strconv.Quote(n.Value)
}

// QuoteHint says how a value becomes text, where it is not because it has no quotes.
func QuoteHint(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool":
		return `, in quotes: "` + n.Value + `"`
	}
	return ""
}
