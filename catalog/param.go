package catalog

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// readParams reads the parameters. It reports whether every name that the file declares is known.
func (f *file) readParams(t *Tool, m mapping) (known bool) {
	if n := m.values["params"]; n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		return true
	}
	known = true
	for _, n := range m.list("params") {
		p, ok := f.param(n, t.Page != nil || m.has("page"))
		switch {
		case !ok:
			known = false
		case slices.ContainsFunc(t.Params, func(other Param) bool { return other.Name == p.Name }):
			f.nodeFault(n, "param %s is declared twice: want each name once", p.Name)
		default:
			t.Params = append(t.Params, p)
			f.params = append(f.params, n)
		}
	}
	return known && (!m.has("params") || len(t.Params) > 0)
}

// param reads one parameter. It is not ok without a name.
func (f *file) param(n *yaml.Node, paged bool) (Param, bool) {
	m, ok := f.mapping(n, "a param", "name", "type", "description", "default", "required", "enum", "minimum", "maximum",
		"min_length", "max_length", "pattern", "min_items", "max_items", "examples", "names")
	if !ok {
		return Param{}, false
	}
	p := Param{Name: f.paramName(m, paged), Required: m.flag("required", false)}
	p.Description = m.prose("description")
	typ, ok := f.paramType(m)
	if !ok {
		return p, p.Name != ""
	}
	p.Type = typ
	f.misplaced(m, typ)
	p.Names = m.nameKind()
	f.bounds(&p, m)
	f.enum(&p, m)
	p.Default = f.fitting(p, m.values["default"], "default")
	for _, example := range m.list("examples") {
		if v := f.fitting(p, example, "example"); v != nil {
			p.Examples = append(p.Examples, v)
		}
	}
	if p.Required && m.has("default") {
		f.nodeFault(m.values["default"], "default of a required param: want one or the other")
	}
	return p, p.Name != ""
}

var internalName = regexp.MustCompile(`^page_(limit|key_[0-9]+)$`)

func (f *file) paramName(m mapping, paged bool) string {
	name := m.text("name")
	node := m.values["name"]
	switch {
	case node == nil:
		f.nodeFault(m.node, "param without a name: want %s", namePattern)
	case name == "":
	case !namePattern.MatchString(name):
		f.nodeFault(node, "param name %q: want %s", name, namePattern)
	case strings.HasPrefix(name, "caller_"):
		f.nodeFault(node, "param name %q: want another, caller_ is for what the server binds", name)
	case paged && (name == ArgPageSize || name == ArgCursor):
		f.nodeFault(node, "param name %q: want another, page adds an argument of that name", name)
	case internalName.MatchString(name):
		f.nodeFault(node, "param name %q: want another, the server uses it for pages", name)
	}
	return name
}

func scalars() []Scalar {
	return []Scalar{String, Integer, Number, Boolean, Date, Time, Timestamp, Timestamptz, Interval, UUID, JSON}
}

func (f *file) paramType(m mapping) (Type, bool) {
	n := m.values["type"]
	if n == nil {
		f.nodeFault(m.node, "param type is missing: want %s, or one of them with []", typeNames())
		return Type{}, false
	}
	word, array := n.Value, false
	if n.Kind == yaml.ScalarNode {
		word, array = strings.CutSuffix(n.Value, "[]")
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(scalars(), Scalar(word)) {
		f.wrongKind(n, "param type %s%s want %s, or one of them with []", describe(n), typeHint(n.Value), typeNames())
		return Type{}, false
	}
	return Type{Scalar(word), array}, true
}

func typeNames() string {
	var names []string
	for _, s := range scalars() {
		names = append(names, string(s))
	}
	return oneOf(names)
}

// typeHint suggests the type for a misspelt one, or for the name that PostgreSQL or another language gives it.
func typeHint(name string) string {
	word, array := strings.CutSuffix(strings.ToLower(name), "[]")
	var meant Scalar
	switch word {
	case "text", "str", "varchar", "char", "name":
		meant = String
	case "int", "bigint", "smallint", "int2", "int4", "int8", "long":
		meant = Integer
	case "numeric", "decimal", "float", "float4", "float8", "double", "real":
		meant = Number
	case "jsonb", "object":
		meant = JSON
	case "datetime":
		meant = Timestamptz
	default:
		var names []string
		for _, s := range scalars() {
			names = append(names, string(s))
		}
		near := Nearest(word, names, 1)
		if near == nil {
			return ":"
		}
		meant = Scalar(near[0])
	}
	return ": did you mean \"" + Type{meant, array}.String() + "\"?"
}

// misplaced reports bounds that mean nothing to the type.
func (f *file) misplaced(m mapping, typ Type) {
	wrong := func(fits bool, want string, keys ...string) {
		for _, k := range keys {
			if m.has(k) && !fits {
				f.nodeFault(m.values[k], "%s with type %s: want it with %s only", k, typ, want)
				delete(m.values, k)
			}
		}
	}
	wrong(typ.Scalar == Integer || typ.Scalar == Number, "integer or number", "minimum", "maximum")
	wrong(typ.Scalar == String, "string", "min_length", "max_length", "pattern")
	wrong(typ == Type{Scalar: String}, "string", "names")
	wrong(typ.Array, "an array type", "min_items", "max_items")
}

// enum reads the values allowed; for an array type those of its items.
func (f *file) enum(p *Param, m mapping) {
	item := *p
	item.Type.Array = false
	var enum []any
	for _, n := range m.list("enum") {
		v := f.fitting(item, n, "enum value")
		switch {
		case v == nil:
		case contains(enum, v):
			f.nodeFault(n, "enum value %s is here twice: want it once", Show(v))
		default:
			enum = append(enum, v)
		}
	}
	p.Enum = enum
}
