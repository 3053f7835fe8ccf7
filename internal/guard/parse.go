package guard

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/sqlscan"
)

// Parse reads permissions.yaml; path is shown in messages. The error is catalog.Faults with every fault of the file.
func Parse(path string, data []byte) (*Rules, error) {
	p := &parser{reader: reader{path: path}, rules: &Rules{path: path, users: map[string]*Role{}}}
	if root := p.document(data); root != nil {
		p.file(root)
	}
	if len(p.faults) > 0 {
		return nil, p.sorted()
	}
	return p.rules, nil
}

type parser struct {
	reader
	rules *Rules
	names []string // of the roles, also of those with faults
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document gives the one document of the file.
func (p *parser) document(data []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	if err == nil {
		if err = d.Decode(&more); err == nil {
			p.fault(&more, "a second document: want one")
			return nil
		}
	} else if errors.Is(err, io.EOF) {
		p.fault(&doc, "the file is empty: want roles and users")
		return nil
	}
	if !errors.Is(err, io.EOF) {
		m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
		if m == nil {
			m = []string{"", "", err.Error()}
		}
		line, _ := strconv.Atoi(m[1])
		p.fault(&yaml.Node{Line: line}, "not YAML: %s", m[2])
		return nil
	}
	return doc.Content[0]
}

func (p *parser) file(root *yaml.Node) {
	f := p.fields(root, "the file", "roles", "users", "claims")
	if f["roles"] == nil {
		p.fault(root, "roles is missing: want at least one role")
	}
	roles := p.entries(f["roles"], "roles", "names of roles with what they may do")
	for _, e := range roles {
		p.names = append(p.names, e.key.Value)
	}
	for _, e := range roles {
		p.rules.Roles = append(p.rules.Roles, p.role(e))
	}
	if f["users"] == nil && f["claims"] == nil {
		p.fault(root, "users is missing: want the role of each user, or _default")
	}
	for _, e := range p.entries(f["users"], "users", "users with their roles") {
		p.user(e)
	}
	if f["claims"] != nil {
		p.claims(f["claims"])
	}
}

func (p *parser) user(e entry) {
	node, what := e.value, "the role of user "+strconv.Quote(e.key.Value)
	if node.Kind == yaml.MappingNode {
		if node = p.fields(e.value, "user "+strconv.Quote(e.key.Value), "role")["role"]; node == nil {
			p.fault(e.value, "%s is missing", what)
			return
		}
	}
	role := p.roleOf(node, what)
	if e.key.Value == "_default" {
		p.rules.fallback = role
	} else {
		p.rules.users[e.key.Value] = role
	}
}

// roleOf reads the name of a role.
func (p *parser) roleOf(n *yaml.Node, what string) *Role {
	name := p.text(n, what)
	if name != "" && !slices.Contains(p.names, name) {
		p.fault(n, "%s is %q, which is no role%s", what, name, orWant(catalog.DidYouMean(name, p.names), p.names))
	}
	return p.rules.Role(name)
}

func (p *parser) claims(n *yaml.Node) {
	f := p.fields(n, "claims", "path", "map")
	if p.rules.claimPath = p.text(f["path"], "path of claims"); f["path"] == nil {
		p.fault(n, "path is missing in claims: want the claim that holds roles, such as realm_access.roles")
	}
	if f["map"] == nil {
		p.fault(n, "map is missing in claims: want values of the claim with their roles")
	}
	for _, e := range p.entries(f["map"], "map of claims", "values of the claim with their roles") {
		role := p.roleOf(e.value, "the role of claim "+strconv.Quote(e.key.Value))
		p.rules.claimMap = append(p.rules.claimMap, claimRole{e.key.Value, role})
	}
}

var (
	operations     = []string{"select", "insert", "update", "delete"}
	operationBits  = []sqlscan.Operation{sqlscan.OpSelect, sqlscan.OpInsert, sqlscan.OpUpdate, sqlscan.OpDelete}
	toolPattern    = regexp.MustCompile(`^(toolset:)?[a-z][a-z0-9_-]{0,63}$`)
	envNamePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (p *parser) role(e entry) *Role {
	role := &Role{Name: e.key.Value}
	what := "role " + strconv.Quote(role.Name)
	f := p.fields(e.value, what, "schemas", "tables", "operations", "tools", "functions", "database_role", "connection", "limits")
	for _, key := range []string{"schemas", "tables", "operations"} {
		if f[key] == nil && e.value.Kind == yaml.MappingNode {
			p.fault(e.key, "%s is missing in %s", key, what)
		}
	}
	p.objects(role, f)
	for _, w := range p.words(f["operations"], "operations") {
		if i := slices.Index(operations, w.text); i >= 0 {
			role.Operations |= operationBits[i]
		} else {
			p.fault(w.node, "operation %q%s", w.text, orWant(catalog.DidYouMean(w.text, operations), operations))
		}
	}
	p.tools(role, f["tools"])
	if role.DatabaseRole = p.text(f["database_role"], "database_role"); role.DatabaseRole == "none" {
		p.fault(f["database_role"], "database_role none is PostgreSQL's word for no role: want the name of a role")
	}
	p.connection(role, f["connection"])
	if l := f["limits"]; l != nil {
		f := p.fields(l, "limits", "timeout", "rows", "bytes")
		role.Limits = Limits{p.duration(f["timeout"], "timeout"), p.count(f["rows"], "rows"), p.count(f["bytes"], "bytes")}
	}
	return role
}

// objects reads the schemas, tables and functions of a role.
func (p *parser) objects(role *Role, f map[string]*yaml.Node) {
	for _, w := range p.words(f["schemas"], "schemas") {
		if strings.HasPrefix(w.text, "pg_temp") || strings.HasPrefix(w.text, "pg_toast") {
			p.fault(w.node, "schema %q is not for roles", w.text)
		}
		role.Schemas = append(role.Schemas, w.text)
	}
	words, all := p.wordsOrAll(f["tables"], "tables")
	role.AllTables = all
	for _, w := range words {
		t, schema := split(w.text, role.Schemas)
		if schema != "" {
			p.fault(w.node, "table %q is of schema %q, which is not in schemas%s", w.text, schema, orWant(catalog.DidYouMean(schema, role.Schemas), role.Schemas))
		}
		if w.text == "*" {
			p.fault(w.node, `"*" is in a list: want tables: "*" for all`)
		}
		role.Tables = append(role.Tables, t)
	}
	for _, w := range p.words(f["functions"], "functions") {
		t, schema := split(w.text, role.Schemas)
		if schema != "" {
			t.Schema, t.Name, _ = strings.Cut(w.text, ".")
		}
		if t.Schema == "pg_catalog" || t.Schema == "information_schema" || w.text == "*" {
			p.fault(w.node, "function %q: want names of user-defined functions; which of PostgreSQL's own may be called is fixed", w.text)
		}
		role.Functions = append(role.Functions, t)
	}
}

// split reads name or schema.name; other is a schema that is not one of the known.
func split(text string, schemas []string) (t Table, other string) {
	for _, s := range schemas {
		if name, ok := strings.CutPrefix(text, s+"."); ok && name != "" {
			return Table{s, name}, ""
		}
	}
	if schema, _, ok := strings.Cut(text, "."); ok {
		return Table{"", text}, schema
	}
	return Table{"", text}, ""
}

// tools reads the tools of a role; without the key they are all.
func (p *parser) tools(role *Role, n *yaml.Node) {
	if n == nil {
		role.AllTools = true
		return
	}
	words, all := p.wordsOrAll(n, "tools")
	role.AllTools = all
	for _, w := range words {
		if !toolPattern.MatchString(w.text) {
			p.fault(w.node, "tool %q: want the name of a tool or toolset:NAME", w.text)
		}
		role.Tools = append(role.Tools, w.text)
	}
}

func (p *parser) connection(role *Role, n *yaml.Node) {
	role.Connection = p.text(n, "connection")
	switch {
	case role.Connection == "":
	case !envNamePattern.MatchString(role.Connection):
		role.Connection = "" // it may be a connection string with a password
		p.fault(n, "connection holds something else than a name: want the NAME of an environment variable")
	default:
		p.rules.connections = append(p.rules.connections, place{role.Connection, n.Line, n.Column})
	}
}
