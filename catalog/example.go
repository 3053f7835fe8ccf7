package catalog

import (
	"encoding/json"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"

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

func (f *file) examples(t *Tool, m faults.Mapping, paramsKnown bool) {
	for _, n := range m.Items("examples") {
		e, ok := f.Mapping(n, "an example", "description", "args")
		if !ok {
			continue
		}
		if !e.Has("args") {
			f.AddNode(n, "example without args: want the arguments of a call")
		}
		args := f.callArguments(t, e, paramsKnown)
		t.Examples = append(t.Examples, Example{Description: e.Prose("description"), Args: args})
	}
}

func (f *file) tests(t *Tool, m faults.Mapping, paramsKnown bool) {
	for _, n := range m.Items("tests") {
		e, ok := f.Mapping(n, "a test", "name", "args", "as", "expect")
		if !ok {
			continue
		}
		test := Test{Name: e.Prose("name"), Line: n.Line, As: f.as(e), Expect: f.expect(t, e)}
		test.Args = f.callArguments(t, e, paramsKnown && test.Expect.Error != invalidArguments)
		t.Tests = append(t.Tests, test)
	}
}

// invalidArguments is the code of a call that does not fit the header: only then may the arguments of a test be wrong.
const invalidArguments = "invalid_arguments"

// callArguments reads the arguments of a call as JSON and, if asked, checks them against the parameters.
func (f *file) callArguments(t *Tool, m faults.Mapping, check bool) json.RawMessage {
	n := m.Values["args"]
	if n == nil {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: m.Node.Line, Column: m.Node.Column}
	}
	if n.Kind != yaml.MappingNode {
		f.AddNode(n, "args is %s: want names and values", faults.Describe(n))
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
			f.AddNode(n, "args: %s", missingArgument(&p))
		}
	}
	return raw
}

func (f *file) argument(t *Tool, name, value *yaml.Node) {
	all := t.Arguments()
	i := slices.IndexFunc(all, func(p Param) bool { return p.Name == name.Value })
	switch {
	case i < 0:
		f.AddNode(name, "args: %s", unknownArgument(name.Value, all))
	case value.ShortTag() != "!!null" && all[i].Type.Scalar != "":
		f.judged(&all[i], value, "argument "+name.Value, false)
	}
}

// json writes a node as JSON; nil if it can't be.
func (f *file) json(n *yaml.Node, what string) json.RawMessage {
	v, problem := jsonValue(n)
	if problem != "" {
		f.AddNode(n, "%s: %s", what, problem)
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		f.AddNode(n, "%s: %v", what, err)
	}
	return raw
}

func (f *file) as(m faults.Mapping) *As {
	a, ok := f.Mapping(m.Values["as"], "as", "sub", "role", "claims")
	if !ok {
		return nil
	}
	as := &As{Sub: a.Text("sub"), Role: a.Text("role")}
	if n := a.Values["claims"]; n != nil {
		if as.Claims = f.json(n, "claims"); n.Kind != yaml.MappingNode {
			f.AddNode(n, "claims is %s: want names and values", faults.Describe(n))
		}
	}
	return as
}

func (f *file) expect(t *Tool, m faults.Mapping) Expect {
	e, ok := f.Mapping(m.Values["expect"], "expect",
		"rows", "max_rows", "columns", "contains", "equals", "error", "affected")
	if !ok {
		return Expect{}
	}
	f.expectFits(t, e)
	want := Expect{Rows: e.Count("rows", 0), MaxRows: e.Count("max_rows", 0), Affected: e.Count("affected", 0),
		Columns: e.Names("columns"), Error: f.errorCode(e.Values["error"])}
	for key, to := range map[string]*json.RawMessage{"contains": &want.Contains, "equals": &want.Equals} {
		if n := e.Values[key]; n != nil {
			*to = f.json(n, key)
		}
	}
	return want
}

// expectFits reports expectations that no answer of the tool can meet.
func (f *file) expectFits(t *Tool, e faults.Mapping) {
	if e.Has("error") && len(e.Values) > 1 {
		f.AddNode(e.Values["error"], "error beside other expectations: want it alone, an error has no rows")
	}
	only := func(fits bool, want string, keys ...string) {
		f.only(e, fits, "result "+string(t.Result), "result "+want, keys...)
	}
	only(t.Result == Rows || t.Result == Query, "rows or query", "rows", "max_rows")
	only(t.Result == Rows || t.Result == Object, "rows or object", "columns")
	only(t.Result != Affected, "rows, object, value, text or query", "contains", "equals")
	only(t.Result == Affected, "affected", "affected")
}

// errorCode reads the code of an error, which YAML may take for a number.
func (f *file) errorCode(n *yaml.Node) string {
	switch {
	case n == nil:
	case !faults.IsText(n) && n.ShortTag() != "!!int" && n.ShortTag() != "!!float", strings.TrimSpace(n.Value) == "":
		f.AddNode(n, "error is %s: want the code of an error, such as not_found or 42501", faults.Describe(n))
	default:
		return n.Value
	}
	return ""
}
