package catalog

import (
	"encoding/json"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Example is a call that shows how the tool is used.
type Example struct {
	// Description says what the call is for; it may be empty.
	Description string
	// Args is the JSON object of the arguments.
	Args json.RawMessage
}

// Test is a call with what its answer must be.
type Test struct {
	// Name is for people; it may be empty.
	Name string
	// Line is where the test is in the file.
	Line int
	// Args is the JSON object of the arguments.
	Args json.RawMessage
	// As is who calls; nil is nobody in particular.
	As *As
	// Expect is what must hold of the answer. A zero one wants an answer that is no error.
	Expect Expect
}

// As is the caller of a test.
type As struct {
	Sub, Role string
	Claims    json.RawMessage // a JSON object; nil without one
}

// Expect is what must hold of an answer; a zero field asks nothing.
type Expect struct {
	// Rows is the number of rows, MaxRows the most there may be.
	Rows, MaxRows *int
	// Columns are the names of all columns, in their order.
	Columns []string
	// Contains must be in the answer: keys of objects and items of lists that it leaves out may be anything. Equals is the
	// whole answer. Of rows they are about the list of rows, of value about the value.
	Contains, Equals json.RawMessage
	// Error is the code of the error that the answer must be.
	Error string
	// Affected is the number of rows that a write must have touched.
	Affected *int
}

func (f *file) examples(t *Tool, m mapping, paramsKnown bool) {
	for _, n := range m.list("examples") {
		e, ok := f.mapping(n, "an example", "description", "args")
		if !ok {
			continue
		}
		if !e.has("args") {
			f.nodeFault(n, "example without args: want the arguments of a call")
		}
		t.Examples = append(t.Examples, Example{Description: e.prose("description"), Args: f.callArguments(t, e, paramsKnown)})
	}
}

func (f *file) tests(t *Tool, m mapping, paramsKnown bool) {
	for _, n := range m.list("tests") {
		e, ok := f.mapping(n, "a test", "name", "args", "as", "expect")
		if !ok {
			continue
		}
		test := Test{Name: e.prose("name"), Line: n.Line, As: f.as(e), Expect: f.expect(t, e)}
		test.Args = f.callArguments(t, e, paramsKnown && test.Expect.Error != invalidArguments)
		t.Tests = append(t.Tests, test)
	}
}

// invalidArguments is the code of a call that does not fit the header: only then may the arguments of a test be wrong.
const invalidArguments = "invalid_arguments"

// callArguments reads the arguments of a call as JSON and, if asked, checks them against the parameters.
func (f *file) callArguments(t *Tool, m mapping, check bool) json.RawMessage {
	n := m.values["args"]
	if n == nil {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: m.node.Line, Column: m.node.Column}
	}
	if n.Kind != yaml.MappingNode {
		f.wrongKind(n, "args is %s: want names and values", describe(n))
		return nil
	}
	raw := f.json(n, "args")
	if raw == nil || !check {
		return raw
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		given[name] = value.ShortTag() != "!!null"
		f.argument(t, n.Content[i], value)
	}
	for _, p := range t.Params {
		if p.Required && !given[p.Name] {
			f.nodeFault(n, "args without %s: want it, it is required", p.Name)
		}
	}
	return raw
}

func (f *file) argument(t *Tool, name, value *yaml.Node) {
	all := t.Arguments()
	i := slices.IndexFunc(all, func(p Param) bool { return p.Name == name.Value })
	switch {
	case i < 0:
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		f.nodeFault(name, "args: unknown argument %q%s", name.Value, suggestion(name.Value, names))
	case value.ShortTag() != "!!null" && all[i].Type.Scalar != "":
		f.asCalled(&all[i], value)
	}
}

// asCalled checks an argument as that of a call is checked. What is no JSON value has been reported.
func (f *file) asCalled(p *Param, n *yaml.Node) {
	v, problem := jsonValue(n)
	if problem != "" {
		return
	}
	var problems []string
	if problem = Unstorable(v); problem != "" {
		problems = []string{p.Name + ": " + problem}
	} else {
		_, problems = p.Take(v)
	}
	for _, problem := range problems {
		f.nodeFault(n, "argument %s", problem)
	}
}

// json writes a node as JSON; nil if it can't be.
func (f *file) json(n *yaml.Node, what string) json.RawMessage {
	v, problem := jsonValue(n)
	if problem != "" {
		f.wrongKind(n, "%s %s", what, problem)
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		f.nodeFault(n, "%s: %v", what, err)
	}
	return raw
}

func (f *file) as(m mapping) *As {
	if !m.has("as") {
		return nil
	}
	a, ok := f.mapping(m.values["as"], "as", "sub", "role", "claims")
	if !ok {
		return nil
	}
	as := &As{Sub: a.text("sub"), Role: a.text("role")}
	if n := a.values["claims"]; n != nil {
		if as.Claims = f.json(n, "claims"); n.Kind != yaml.MappingNode {
			f.wrongKind(n, "claims is %s: want names and values", describe(n))
		}
	}
	return as
}

func (f *file) expect(t *Tool, m mapping) Expect {
	if !m.has("expect") {
		return Expect{}
	}
	e, ok := f.mapping(m.values["expect"], "expect", "rows", "max_rows", "columns", "contains", "equals", "error", "affected")
	if !ok {
		return Expect{}
	}
	f.expectFits(t, e)
	want := Expect{Rows: e.count("rows", 0), MaxRows: e.count("max_rows", 0), Affected: e.count("affected", 0),
		Columns: e.names("columns"), Error: e.code("error")}
	for key, to := range map[string]*json.RawMessage{"contains": &want.Contains, "equals": &want.Equals} {
		if n := e.values[key]; n != nil {
			*to = f.json(n, key)
		}
	}
	return want
}

// expectFits reports expectations that no answer of the tool can meet.
func (f *file) expectFits(t *Tool, e mapping) {
	wrong := func(fits bool, want string, keys ...string) {
		for _, k := range keys {
			if e.has(k) && !fits {
				f.nodeFault(e.values[k], "%s with result %s: want it with result %s only", k, t.Result, want)
			}
		}
	}
	wrong(t.Result == Rows, "rows", "rows", "max_rows")
	wrong(t.Result == Rows || t.Result == Object, "rows or object", "columns")
	wrong(t.Result != Affected, "rows, object or value", "contains", "equals")
	wrong(t.Result == Affected, "affected", "affected")
	if e.has("error") && len(e.values) > 1 {
		f.nodeFault(e.values["error"], "error beside other expectations: want it alone, an error has no rows")
	}
}

// code reads the code of an error, which YAML may take for a number.
func (m mapping) code(key string) string {
	n := m.values[key]
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || n.ShortTag() == "!!null" || n.ShortTag() == "!!bool":
		m.wrongKind(n, "%s is %s: want the code of an error, such as not_found or 42501", key, describe(n))
		return ""
	}
	return n.Value
}
