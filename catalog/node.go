package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// mapping is a YAML mapping of the header whose keys are known. Its methods read the value of a key; when it is
// absent they return the zero value, and when it is wrong they also report it.
type mapping struct {
	*file
	node   *yaml.Node
	values map[string]*yaml.Node
}

// theHeader names the header in messages.
const theHeader = "the header"

// mapping reads node as a mapping; what names it in messages. Unknown and repeated keys are reported.
func (f *file) mapping(node *yaml.Node, what string, known ...string) (mapping, bool) {
	m := mapping{f, node, map[string]*yaml.Node{}}
	if node.Kind != yaml.MappingNode {
		f.wrongKind(node, "%s: want keys and values (%s)", what, oneOf(known))
		return m, false
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			f.unknownKey(key, what, known)
		case m.values[key.Value] != nil:
			f.nodeFault(key, "key %q is here twice: want it once", key.Value)
		default:
			m.values[key.Value] = value
			f.keys[strings.TrimPrefix(what+"."+key.Value, theHeader+".")] = value
		}
	}
	return m, true
}

func (f *file) unknownKey(key *yaml.Node, what string, known []string) {
	hint := DidYouMean(key.Value, known)
	if key.Value == "complete" && slices.Contains(known, "names") { // the word for it before 1.0
		hint = `: did you mean "names"?`
	}
	if hint == "" {
		hint = ":"
	}
	f.wrongKind(key, "unknown key %q in %s%s want %s", key.Value, what, hint, oneOf(known))
}

// oneOf writes the words as "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (f *file) nodeFault(n *yaml.Node, format string, args ...any) {
	f.fault(n.Line, n.Column, format, args...)
}

// wrongKind is nodeFault for a node of the wrong kind; an alias has been reported already.
func (f *file) wrongKind(n *yaml.Node, format string, args ...any) {
	if n.Kind != yaml.AliasNode {
		f.nodeFault(n, format, args...)
	}
}

func (m mapping) has(key string) bool { return m.values[key] != nil }

// text reads a text that is not blank.
func (m mapping) text(key string) string {
	n := m.values[key]
	switch {
	case n == nil:
	case !isText(n):
		m.wrongKind(n, "%s is %s: want text%s", key, describe(n), quoteHint(n))
	case strings.TrimSpace(n.Value) == "":
		m.nodeFault(n, "%s is blank: want text", key)
	case strings.IndexByte(n.Value, 0) >= 0:
		m.nodeFault(n, "%s holds a zero byte: want text", key)
	default:
		return n.Value
	}
	return ""
}

// prose reads a text without the line break that YAML's > and | leave at its end.
func (m mapping) prose(key string) string { return strings.TrimSpace(m.text(key)) }

// choice reads one of the words; the first is the default.
func (m mapping) choice(key string, words ...string) string {
	n := m.values[key]
	switch {
	case n == nil:
	case n.Kind != yaml.ScalarNode:
		m.wrongKind(n, "%s is %s: want %s", key, describe(n), oneOf(words))
	case !slices.Contains(words, n.Value):
		m.nodeFault(n, "%s %q: want %s", key, n.Value, oneOf(words))
	default:
		return n.Value
	}
	return words[0]
}

// flag reads true or false.
func (m mapping) flag(key string, absent bool) bool {
	n := m.values[key]
	switch {
	case n == nil:
	case n.ShortTag() != "!!bool":
		m.wrongKind(n, "%s is %s: want true or false", key, describe(n))
	default:
		return strings.EqualFold(n.Value, "true")
	}
	return absent
}

var decimalPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)

// count reads a whole number of at least low and less than a billion; nil if absent or wrong.
func (m mapping) count(key string, low int) *int {
	n := m.values[key]
	if n == nil {
		return nil
	}
	i := -1
	if n.ShortTag() == "!!int" && decimalPattern.MatchString(n.Value) {
		i, _ = strconv.Atoi(n.Value)
	}
	if i < low {
		m.wrongKind(n, "%s is %s: want a whole number from %d to 999999999", key, describe(n), low)
		return nil
	}
	return &i
}

// list reads a list that is not empty.
func (m mapping) list(key string) []*yaml.Node {
	n := m.values[key]
	switch {
	case n == nil:
	case n.Kind != yaml.SequenceNode:
		m.wrongKind(n, "%s is %s: want a list", key, describe(n))
	case len(n.Content) == 0:
		m.nodeFault(n, "%s is an empty list: want at least one item", key)
	default:
		return n.Content
	}
	return nil
}

// names reads a list of texts, each once.
func (m mapping) names(key string) []string {
	var names []string
	for _, n := range m.list(key) {
		switch {
		case !isText(n) || strings.TrimSpace(n.Value) == "" || strings.IndexByte(n.Value, 0) >= 0:
			m.wrongKind(n, "%s holds %s: want text%s", key, describe(n), quoteHint(n))
		case slices.Contains(names, n.Value):
			m.nodeFault(n, "%s holds %q twice: want it once", key, n.Value)
		default:
			names = append(names, n.Value)
		}
	}
	return names
}

// nameKind reads the key names: what the values are names of.
func (m mapping) nameKind() string {
	if !m.has("names") {
		return ""
	}
	return m.choice("names", NamesTable, NamesSchema, NamesColumn, NamesFunction)
}

// isText reports whether the node is text to people: YAML takes an unquoted date for something else.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp")
}

// describe names a node's value for people.
func describe(n *yaml.Node) string {
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
	return strconv.Quote(n.Value)
}

func quoteHint(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool":
		return `, in quotes: "` + n.Value + `"`
	}
	return ""
}
