package catalog

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/faults"
)

// readParams reads the parameters. It reports whether every name that the file declares is known.
func (f *file) readParams(t *Tool, m faults.Mapping) (known bool) {
	if n := m.Values["params"]; n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		return true
	}
	known = true
	for _, n := range m.Items("params") {
		p, ok := f.param(n, m.Has("page"))
		switch {
		case !ok:
			known = false
		case slices.Contains(paramNames(t.Params), p.Name):
			f.AddNode(n, "param %s is declared twice: want each name once", p.Name)
		default:
			t.Params = append(t.Params, p)
			f.params = append(f.params, n)
		}
	}
	return known && (!m.Has("params") || len(t.Params) > 0)
}

// param reads one parameter. It is not ok without a name.
func (f *file) param(n *yaml.Node, paged bool) (Param, bool) {
	m, ok := f.Mapping(n, "a param", "name", "type", "description", "default", "required", "enum", "minimum", "maximum",
		"min_length", "max_length", "pattern", "min_items", "max_items", "examples", "names")
	if !ok {
		return Param{}, false
	}
	p := Param{Name: f.paramName(m, paged), Required: m.Flag("required", false)}
	p.Description = m.Prose("description")
	typ, ok := f.paramType(m)
	if !ok {
		return p, p.Name != ""
	}
	p.Type = typ
	f.misplacedKeys(m, typ)
	p.Names = nameKind(m)
	f.bounds(&p, m)
	f.enum(&p, m)
	if n := m.Values["default"]; n != nil {
		p.Default = f.declared(&p, n, "default")
	}
	for _, n := range m.Items("examples") {
		if v := f.declared(&p, n, "example"); v != nil {
			p.Examples = append(p.Examples, v)
		}
	}
	if p.Required && m.Has("default") {
		f.AddNode(m.Values["default"], "default of a required param: want one or the other")
	}
	return p, p.Name != ""
}

var internalName = regexp.MustCompile(`^page_(limit|key_[0-9]+)$`)

func (f *file) paramName(m faults.Mapping, paged bool) string {
	name := m.Text("name")
	node := m.Values["name"]
	switch {
	case node == nil:
		f.AddNode(m.Node, "param without a name: want %s", namePattern)
	case name == "":
	case !namePattern.MatchString(name):
		f.AddNode(node, "param name %q: want %s", name, namePattern)
	case strings.HasPrefix(name, "caller_"):
		f.AddNode(node, "param name %q: want another, caller_ is for what the server binds", name)
	case name == ArgNotes:
		f.AddNode(node, "param name %q: want another, @%s are the notes on objects of the database", name, name)
	case paged && (name == ArgPageSize || name == ArgCursor):
		f.AddNode(node, "param name %q: want another, page adds an argument of that name", name)
	case internalName.MatchString(name):
		f.AddNode(node, "param name %q: want another, the server uses it for pages", name)
	}
	return name
}

// nameKind reads the key names: what the values are names of.
func nameKind(m faults.Mapping) string {
	if !m.Has("names") {
		return ""
	}
	return m.Choice("names", NamesTable, NamesSchema, NamesColumn, NamesFunction)
}

func (f *file) paramType(m faults.Mapping) (Type, bool) {
	n := m.Values["type"]
	if n == nil {
		f.AddNode(m.Node, "param type is missing: want %s, or one of them with []", faults.OneOf(scalars))
		return Type{}, false
	}
	word, array := n.Value, false
	if n.Kind == yaml.ScalarNode {
		word, array = strings.CutSuffix(n.Value, "[]")
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(scalars, word) {
		f.AddNode(n, "param type %s%s want %s, or one of them with []",
			faults.Describe(n), typeHint(n.Value), faults.OneOf(scalars))
		return Type{}, false
	}
	return Type{Scalar(word), array}, true
}

// otherNames are names that PostgreSQL and programming languages have for the types.
var otherNames = map[Scalar]string{
	String: "text str varchar char name", Integer: "int bigint smallint int2 int4 int8 long",
	Number: "numeric decimal float float4 float8 double real", JSON: "jsonb object", Timestamptz: "datetime",
}

// typeHint suggests the type for a misspelt one, or for another name of it.
func typeHint(name string) string {
	word, array := strings.CutSuffix(strings.ToLower(name), "[]")
	near := faults.Nearest(word, scalars, 1)
	for scalar, names := range otherNames {
		if slices.Contains(strings.Fields(names), word) {
			near = []string{string(scalar)}
		}
	}
	if near == nil {
		return ":"
	}
	return ": did you mean " + strconv.Quote(Type{Scalar(near[0]), array}.String()) + "?"
}

// misplacedKeys reports bounds that mean nothing for the type.
func (f *file) misplacedKeys(m faults.Mapping, typ Type) {
	of := "type " + typ.String()
	f.only(m, typ.Scalar == Integer || typ.Scalar == Number, of, "integer or number", "minimum", "maximum")
	f.only(m, typ.Scalar == String, of, "string", "min_length", "max_length", "pattern")
	f.only(m, typ == Type{Scalar: String}, of, "string", "names")
	f.only(m, typ.Array, of, "an array type", "min_items", "max_items")
}

// only reports the keys that are there although they do not fit, and takes them out.
func (f *file) only(m faults.Mapping, fits bool, of, want string, keys ...string) {
	for _, k := range keys {
		if m.Has(k) && !fits {
			f.AddNode(m.Values[k], "%s with %s: want it with %s only", k, of, want)
			delete(m.Values, k)
		}
	}
}

// bounds reads what limits the values of a parameter, and checks that some value is left.
func (f *file) bounds(p *Param, m faults.Mapping) {
	p.Minimum, p.Maximum = f.bound(p, m, "minimum"), f.bound(p, m, "maximum")
	if p.Minimum != "" && p.Maximum != "" && compareNumbers(p.Minimum, p.Maximum) > 0 {
		f.AddNode(m.Values["maximum"], "maximum %s is less than minimum %s: want minimum <= maximum", p.Maximum, p.Minimum)
	}
	p.MinLength, p.MaxLength = m.Count("min_length", 0), m.Count("max_length", 0)
	f.ordered(m, p.MinLength, p.MaxLength, "min_length", "max_length")
	p.MinItems, p.MaxItems = m.Count("min_items", 0), m.Count("max_items", 0)
	f.ordered(m, p.MinItems, p.MaxItems, "min_items", "max_items")
	f.pattern(p, m)
}

func (f *file) bound(p *Param, m faults.Mapping, key string) string {
	if n := m.Values[key]; n != nil {
		if v, ok := f.declared(&Param{Type: Type{Scalar: p.Type.Scalar}}, n, key).(json.Number); ok {
			return v.String()
		}
	}
	return ""
}

func (f *file) ordered(m faults.Mapping, low, high *int, lowKey, highKey string) {
	if low != nil && high != nil && *low > *high {
		f.AddNode(m.Values[highKey], "%s %d is less than %s %d: want %s <= %s", highKey, *high, lowKey, *low, lowKey, highKey)
	}
}

// goOnly finds what Go's regular expressions know and those of JSON Schema, ECMA 262, don't.
var goOnly = regexp.MustCompile(`^(?:[^\\]|\\.)*?(\(\?(?:P<|[imsU-])|\\[AzQECa]|\[\[:)`)

func (f *file) pattern(p *Param, m faults.Mapping) {
	const want = "want a regular expression that RE2 and ECMAScript share"
	pattern, n := m.Text("pattern"), m.Values["pattern"]
	if pattern == "" {
		return
	}
	compiled, err := regexp.Compile(pattern)
	found := goOnly.FindStringSubmatch(pattern)
	switch {
	case err != nil:
		f.AddNode(n, "pattern %q: %s: %s", pattern, strings.TrimPrefix(err.Error(), "error parsing regexp: "), want)
	case found != nil:
		f.AddNode(n, "pattern %q: %s is unknown to ECMAScript: %s", pattern, found[1], want)
	default:
		p.Pattern, p.compiled = pattern, compiled
	}
}

// enum reads the values allowed; for an array type those of its items.
func (f *file) enum(p *Param, m faults.Mapping) {
	item := *p
	item.Type.Array = false
	var enum []any
	for _, n := range m.Items("enum") {
		v := f.declared(&item, n, "enum value")
		switch {
		case v == nil:
		case contains(enum, v):
			f.AddNode(n, "enum value %s is here twice: want it once", Show(v))
		default:
			enum = append(enum, v)
		}
	}
	p.Enum = enum
}

// declared reads a value of the parameter that the header holds: a default, an example, one of an enum. It is nil if it
// is wrong.
func (f *file) declared(p *Param, n *yaml.Node, what string) any {
	if n.ShortTag() == "!!null" {
		hint := ""
		if what == "default" {
			hint = ", or no default: an absent argument is null anyway"
		}
		f.AddNode(n, "%s is null: want a value of type %s%s", what, p.Type, hint)
		return nil
	}
	return f.judged(p, n, what, true)
}

// judged reads a node as a value of the parameter. What is wrong with it is reported in the words of a call.
func (f *file) judged(p *Param, n *yaml.Node, what string, strict bool) any {
	v, problem := jsonValue(n)
	if problem == "" {
		problem = Unstorable(v)
	}
	if problem != "" {
		f.AddNode(n, "%s: %s", what, problem)
		return nil
	}
	v, problems := p.judge(v, strict)
	for _, w := range problems {
		at, of := n, what
		if w.item >= 0 && n.Kind == yaml.SequenceNode {
			at, of = n.Content[w.item], what+" item"
		}
		f.AddNode(at, "%s: %s%s", of, w.problem, p.Type.Scalar.quoteHint(at, strict))
	}
	if problems != nil {
		return nil
	}
	return v
}

// quoteHint says that a value of the header needs quotes, or must have none.
func (s Scalar) quoteHint(n *yaml.Node, strict bool) string {
	_, problem := s.take(n.Value, false)
	switch notText := s == Integer || s == Number || s == Boolean; {
	case strict && !notText:
		return faults.QuoteHint(n)
	case strict && faults.IsText(n) && problem == "":
		return ", without quotes: " + n.Value
	}
	return ""
}

// jsonNumber is what JSON knows of numbers. YAML knows more, such as 0x1F, 1_000 and .inf.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// jsonValue turns a node into a JSON value, or says why it can't.
func jsonValue(n *yaml.Node) (v any, problem string) {
	switch n.ShortTag() {
	case "!!map":
		return jsonObject(n)
	case "!!seq":
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			if list[i], problem = jsonValue(item); problem != "" {
				return nil, problem
			}
		}
		return list, ""
	case "!!null":
		return nil, ""
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), ""
	case "!!int", "!!float":
		if !jsonNumber.MatchString(n.Value) {
			return nil, n.Value + " is not a number as JSON writes it"
		}
		return json.Number(n.Value), ""
	}
	if !faults.IsText(n) {
		return nil, faults.Describe(n) + " is not a JSON value"
	}
	return n.Value, ""
}

func jsonObject(n *yaml.Node) (any, string) {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !faults.IsText(key) || strings.IndexByte(key.Value, 0) >= 0 {
			return nil, "has the key " + faults.Describe(key) + ": want text" + faults.QuoteHint(key)
		}
		if _, twice := object[key.Value]; twice {
			return nil, "has the key " + strconv.Quote(key.Value) + " twice: want it once"
		}
		v, problem := jsonValue(n.Content[i+1])
		if problem != "" {
			return nil, problem
		}
		object[key.Value] = v
	}
	return object, ""
}
