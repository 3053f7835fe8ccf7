package sqlscan

import "slices"

// Source is a relation that SQL names after FROM, JOIN and the like. Alias is empty without one.
type Source struct {
	Name  Name
	Alias string
}

var (
	// sourceWords come directly before a relation.
	sourceWords = []string{"from", "join", "update", "into", "using", "only", "lateral"}
	// clauseWords end a list of relations, and are no alias.
	clauseWords = []string{"where", "group", "order", "having", "limit", "offset", "fetch", "for", "window", "select",
		"set",
		"values", "returning", "union", "except", "intersect", "default", "on", "left", "right", "inner", "full", "cross",
		"natural", "tablesample", "when", "with"}
	// listWords are the clauseWords that may stand within a list of relations.
	listWords = []string{"on", "left", "right", "inner", "full", "cross", "natural", "tablesample", "with"}
)

// Sources are the relations that SQL names, as far as they show without a grammar. That is good enough to suggest a
// name and never to permit one.
func Sources(names []Name) []Source {
	var all []Source
	inList := false
	for i, n := range names {
		switch {
		case slices.Contains(sourceWords, n.text):
			inList = inList || n.text == "from"
		case slices.Contains(clauseWords, n.text):
			inList = inList && slices.Contains(listWords, n.text)
		case slices.Contains(sourceWords, n.before), inList && n.before == ",":
			all = append(all, Source{n, alias(names[i:])})
		}
	}
	return all
}

// alias is the one that follows the first name directly.
func alias(names []Name) string {
	end := names[0].last
	for _, n := range names[1:] {
		switch {
		case n.first != end+1 || slices.Contains(sourceWords, n.text) || slices.Contains(clauseWords, n.text):
			return ""
		case n.text == "as":
			end = n.last
		default:
			return n.String()
		}
	}
	return ""
}
