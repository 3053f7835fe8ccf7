package guard

import (
	_ "embed" // the lists
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// The lists are data files, so that they can be reviewed without reading Go.
var (
	//go:embed functions.yaml
	functionsYAML []byte
	//go:embed catalogs.yaml
	catalogsYAML []byte
	//go:embed extensions.yaml
	extensionsYAML []byte
)

// audience says under which guard something may be used.
type audience uint8

const (
	readers  audience = 1 + iota // read-only mode without permissions
	everyone                     // permissions too
)

// covers reports whether a statement under the guard may use it: role is nil where only read-only mode guards.
func (a audience) covers(role *Role) bool { return a == everyone || a == readers && role == nil }

type extension struct {
	audience                           audience
	sql                                bool // its functions in SQL are known, too
	only, except, sqlExcept, relations []string
}

type lists struct {
	functions  map[string]audience
	extensions map[string]extension
	// secret and structure hold relations as schema.name.
	secret, structure, settings map[string]bool
	// types hold the types of pg_catalog that are refused to: readers is roles only, everyone is all.
	types      map[string]audience
	constructs []string
}

var known = sync.OnceValue(func() *lists {
	l := &lists{functions: map[string]audience{}, extensions: map[string]extension{}, types: map[string]audience{}}
	l.readFunctions()
	l.readExtensions()
	l.readCatalogs()
	return l
})

func (l *lists) readFunctions() {
	var groups []struct {
		Name, For, Functions string
	}
	must(yaml.Unmarshal(functionsYAML, &groups))
	for _, g := range groups {
		for _, name := range strings.Fields(g.Functions) {
			l.functions[name] = max(l.functions[name], audienceOf(g.For))
		}
	}
}

func (l *lists) readExtensions() {
	var all []struct {
		Name, For               string
		SQL                     bool `yaml:"sql"`
		Only, Except, Relations []string
		SQLExcept               []string `yaml:"sql_except"`
	}
	must(yaml.Unmarshal(extensionsYAML, &all))
	for _, e := range all {
		l.extensions[e.Name] = extension{audienceOf(e.For), e.SQL, e.Only, e.Except, e.SQLExcept, e.Relations}
	}
}

func (l *lists) readCatalogs() {
	var c struct {
		Secret, Structure map[string]string
		Settings          string
		Types             struct{ Permissions, Everyone string }
		Constructs        []string
	}
	must(yaml.Unmarshal(catalogsYAML, &c))
	l.secret, l.structure, l.settings = qualified(c.Secret), qualified(c.Structure), map[string]bool{}
	for _, name := range strings.Fields(c.Settings) {
		l.settings[name] = true
	}
	for _, name := range strings.Fields(c.Types.Permissions) {
		l.types[name] = readers
	}
	for _, name := range strings.Fields(c.Types.Everyone) {
		l.types[name] = everyone
	}
	l.constructs = c.Constructs
}

func qualified(bySchema map[string]string) map[string]bool {
	all := map[string]bool{}
	for schema, names := range bySchema {
		for _, name := range strings.Fields(names) {
			all[schema+"."+name] = true
		}
	}
	return all
}

func audienceOf(text string) audience {
	if text == "everyone" {
		return everyone
	}
	return readers
}

// must is for the embedded lists, which a test reads too.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// allowsExtension reports whether a function of an extension, in C or of the server, is a known one.
func (l *lists) allowsExtension(f Function, role *Role) bool {
	e, ok := l.extensions[f.Extension]
	return ok && (f.Language == "c" || f.Language == "internal") && e.audience.covers(role) &&
		(e.only == nil || slices.Contains(e.only, f.Name)) && !slices.Contains(e.except, f.Name)
}

// allowsExtensionSQL reports whether a function in SQL belongs to a known extension whose functions in SQL only
// compute.
func (l *lists) allowsExtensionSQL(f Function, role *Role) bool {
	e := l.extensions[f.Extension]
	return e.sql && f.Language == "sql" && e.audience.covers(role) && !slices.Contains(e.sqlExcept, f.Name)
}

// allowsRelation reports whether a role may read a relation of an extension without naming it in its tables.
func (l *lists) allowsRelation(r *Relation, role *Role) bool {
	e := l.extensions[r.Extension]
	return e.audience.covers(role) && slices.Contains(e.relations, r.Name)
}

// OpenRelations are the names of extensions' relations that a role need not name in its tables.
func OpenRelations() []string {
	var names []string
	for _, e := range known().extensions {
		if e.audience == everyone {
			names = append(names, e.relations...)
		}
	}
	slices.Sort(names)
	return names
}

// OwnFunction reports whether pg_catalog's function of that name may be called; what others of that name are is to be
// looked up nevertheless.
func OwnFunction(name string, role *Role) bool { return known().functions[name].covers(role) }
