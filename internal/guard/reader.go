package guard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"mcp-postgres/catalog"
)

// reader collects the faults of one file.
type reader struct {
	path   string
	faults catalog.Faults
}

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, catalog.Fault{Path: r.path, Line: max(n.Line, 1), Col: max(n.Column, 1), Problem: fmt.Sprintf(format, args...)})
}

func (r *reader) sorted() catalog.Faults {
	slices.SortStableFunc(r.faults, func(a, b catalog.Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) })
	return r.faults
}

// entry is a key of a mapping with its value.
type entry struct {
	key, value *yaml.Node
}

// entries reads a mapping; a key that is no text or is here twice is reported and left out.
func (r *reader) entries(n *yaml.Node, what, want string) []entry {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s is %s: want %s", what, describe(n), want)
		return nil
	}
	var all []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{n.Content[i], n.Content[i+1]}
		switch {
		case e.key.Kind != yaml.ScalarNode || strings.TrimSpace(e.key.Value) == "" || e.key.ShortTag() == "!!merge":
			r.fault(e.key, "a key of %s is %s: want a name", what, describe(e.key))
		case slices.ContainsFunc(all, func(old entry) bool { return old.key.Value == e.key.Value }):
			r.fault(e.key, "key %q is in %s twice: want it once", e.key.Value, what)
		default:
			all = append(all, e)
		}
	}
	return all
}

// fields reads a mapping whose keys are known.
func (r *reader) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	for _, e := range r.entries(n, what, "keys and values ("+strings.Join(known, ", ")+")") {
		if !slices.Contains(known, e.key.Value) {
			r.fault(e.key, "unknown key %q in %s%s", e.key.Value, what, orWant(catalog.DidYouMean(e.key.Value, known), known))
			continue
		}
		values[e.key.Value] = e.value
	}
	return values
}

// orWant is the suggestion, or else the words to choose from.
func orWant(suggestion string, words []string) string {
	if suggestion != "" {
		return suggestion
	}
	return ": want one of " + strings.Join(words, ", ")
}

// text reads a text of one line; empty if absent or wrong.
func (r *reader) text(n *yaml.Node, what string) string {
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		hint := ""
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			hint = ", in quotes: " + strconv.Quote(n.Value)
		}
		r.fault(n, "%s is %s: want text%s", what, describe(n), hint)
	case strings.TrimSpace(n.Value) == "" || strings.ContainsAny(n.Value, "\x00\r\n"):
		r.fault(n, "%s is blank or has more than one line: want a name", what)
	default:
		return n.Value
	}
	return ""
}

// word is a text of a list.
type word struct {
	text string
	node *yaml.Node
}

// words reads a list of texts without repetitions.
func (r *reader) words(n *yaml.Node, what string) []word {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s is %s: want a list", what, describe(n))
		return nil
	}
	var all []word
	for _, item := range n.Content {
		text := r.text(item, "an item of "+what)
		switch {
		case text == "":
		case slices.ContainsFunc(all, func(w word) bool { return w.text == text }):
			r.fault(item, "%q is in %s twice: want it once", text, what)
		default:
			all = append(all, word{text, item})
		}
	}
	return all
}

// wordsOrAll also takes "*".
func (r *reader) wordsOrAll(n *yaml.Node, what string) (words []word, all bool) {
	if n != nil && n.Kind == yaml.ScalarNode {
		if n.Value == "*" {
			return nil, true
		}
		r.fault(n, `%s is %s: want "*" or a list`, what, describe(n))
		return nil, false
	}
	return r.words(n, what), false
}

// count reads a whole number from 1; zero if absent or wrong.
func (r *reader) count(n *yaml.Node, what string) int {
	if n == nil {
		return 0
	}
	i, err := strconv.Atoi(n.Value)
	if n.ShortTag() != "!!int" || err != nil || i < 1 || i > 999_999_999 {
		r.fault(n, "%s is %s: want a whole number from 1 to 999999999", what, describe(n))
		return 0
	}
	return i
}

func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	if n == nil {
		return 0
	}
	d, err := time.ParseDuration(n.Value)
	if n.ShortTag() != "!!str" || err != nil || d < time.Millisecond || d > 24*time.Hour {
		r.fault(n, "%s is %s: want a duration from 1ms to 24h, such as 10s", what, describe(n))
		return 0
	}
	return d
}

// describe names a node's value for people.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return "an alias, which this file can't have"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "null"
	case n.ShortTag() == "!!str":
		return strconv.Quote(n.Value)
	}
	return n.Value
}
