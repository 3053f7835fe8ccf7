package catalog

import (
	"regexp"
	"slices"
)

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

func (f *file) notFound(t *Tool, m mapping, paramsKnown bool) {
	if !m.has("not_found") {
		return
	}
	n, ok := f.mapping(m.values["not_found"], "not_found", "when", "message", "suggest")
	if !ok {
		return
	}
	t.NotFound = &NotFound{Message: n.prose("message")}
	if !n.has("message") {
		f.nodeFault(n.node, "not_found message is missing: want a sentence for the model, with the wrong name as {param}")
	}
	if paramsKnown {
		f.placeholders(t, n)
	}
	t.NotFound.When = f.compileValue(t, n, "when", paramsKnown)
	t.NotFound.Suggest = f.compileValue(t, n, "suggest", paramsKnown)
}

// placeholders checks the names in the message.
func (f *file) placeholders(t *Tool, n mapping) {
	names := paramNames(t)
	found := placeholder.FindAllStringSubmatch(t.NotFound.Message, -1)
	for _, p := range found {
		if !slices.Contains(names, p[1]) {
			f.nodeFault(n.values["message"], "message holds {%s}, which is no param%s", p[1], suggestion(p[1], names))
		}
	}
	if n.has("suggest") && t.NotFound.Message != "" && len(found) == 0 {
		f.nodeFault(n.values["message"], "message holds no {param}: want the one that suggest finds candidates for")
	}
}

func paramNames(t *Tool) []string {
	var names []string
	for _, p := range t.Params {
		names = append(names, p.Name)
	}
	return names
}

// suggestion ends a message about a name that should be one of names.
func suggestion(word string, names []string) string {
	if hint := DidYouMean(word, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return ": want it declared under params"
	}
	return ": want " + oneOf(names)
}
