package guard

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

// maxFile is the size in bytes above which permissions are refused unread.
const maxFile = 64 << 20

// Parse reads permissions.yaml; path is shown in messages. The error is faults.List with every fault of the file.
func Parse(path string, data []byte) (*Rules, error) {
	p := &parser{File: faults.NewFile(path, string(data)), rules: &Rules{path: path, users: map[string]*Role{}}}
	if root := p.Document(maxFile, "roles and users"); root != nil {
		p.oneLine(root)
		p.file(root)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return p.rules, nil
}

type parser struct {
	*faults.File
	rules *Rules
	names []string // of the roles, also of those with faults
}

// oneLine refuses texts of several lines: each is a name.
func (p *parser) oneLine(n *yaml.Node) {
	if strings.ContainsAny(n.Value, "\r\n") {
		p.AddNode(n, "%q has more than one line: want a name", n.Value)
	}
	for _, child := range n.Content {
		p.oneLine(child)
	}
}

func (p *parser) file(root *yaml.Node) {
	f, ok := p.Mapping(root, "the file", "roles", "users", "claims")
	if !ok {
		return
	}
	if !f.Has("roles") {
		p.AddNode(root, "roles is missing: want at least one role")
	}
	roles, _ := p.Entries(f.Values["roles"], "roles", "names of roles with what they may do")
	for _, e := range roles {
		p.names = append(p.names, e.Key.Value)
	}
	for _, e := range roles {
		p.rules.Roles = append(p.rules.Roles, p.role(e))
	}
	if !f.Has("users") && !f.Has("claims") {
		p.AddNode(root, "users is missing: want the role of each user, or _default")
	}
	users, _ := p.Entries(f.Values["users"], "users", "users with their roles")
	for _, e := range users {
		p.user(e)
	}
	if f.Has("claims") {
		p.claims(f.Values["claims"])
	}
}

func (p *parser) user(e faults.Entry) {
	node, what := e.Value, "the role of user "+strconv.Quote(e.Key.Value)
	if node.Kind == yaml.MappingNode {
		m, _ := p.Mapping(node, "user "+strconv.Quote(e.Key.Value), "role")
		if node = m.Values["role"]; node == nil {
			p.AddNode(e.Value, "%s is missing", what)
			return
		}
	}
	role := p.roleOf(node, what)
	if e.Key.Value == "_default" {
		p.rules.fallback = role
	} else {
		p.rules.users[e.Key.Value] = role
	}
}

// roleOf reads the name of a role.
func (p *parser) roleOf(n *yaml.Node, what string) *Role {
	name := p.TextOf(n, what)
	if name != "" && !slices.Contains(p.names, name) {
		p.AddNode(n, "%s is %q, which is no role%s", what, name, faults.Suggest(name, p.names))
	}
	return p.rules.Role(name)
}

func (p *parser) claims(n *yaml.Node) {
	m, _ := p.Mapping(n, "claims", "path", "map")
	if p.rules.claimPath = m.Text("path"); !m.Has("path") {
		p.AddNode(n, "path is missing in claims: want the claim that holds roles, such as realm_access.roles")
	}
	if !m.Has("map") {
		p.AddNode(n, "map is missing in claims: want values of the claim with their roles")
	}
	values, _ := p.Entries(m.Values["map"], "map of claims", "values of the claim with their roles")
	for _, e := range values {
		role := p.roleOf(e.Value, "the role of claim "+strconv.Quote(e.Key.Value))
		p.rules.claimMap = append(p.rules.claimMap, claimRole{e.Key.Value, role})
	}
}

var (
	operations     = []string{"select", "insert", "update", "delete"}
	operationBits  = []sqlscan.Operation{sqlscan.OpSelect, sqlscan.OpInsert, sqlscan.OpUpdate, sqlscan.OpDelete}
	toolPattern    = regexp.MustCompile(`^(toolset:)?[a-z][a-z0-9_-]{0,63}$`)
	envNamePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// roleKeys are the keys of what a role may do in one database.
var roleKeys = []string{"schemas", "tables", "operations", "tools", "functions", "database_role", "connection",
	"limits"}

func (p *parser) role(e faults.Entry) *Role {
	what := "role " + strconv.Quote(e.Key.Value)
	m, ok := p.Mapping(e.Value, what, append(slices.Clone(roleKeys), "databases")...)
	if n := m.Values["databases"]; n != nil && n.Kind == yaml.MappingNode {
		return p.roleByDatabase(e, m, what)
	}
	role := p.rights(e, m, ok, what)
	p.databases(role, m)
	return role
}

// databases reads where a role may do the same: in the databases of a list, or in all.
func (p *parser) databases(role *Role, m faults.Mapping) {
	if !m.Has("databases") {
		return
	}
	var names []*yaml.Node
	names, role.AllDatabases = p.textsOrAll(m, "databases")
	role.Databases = map[string]*Role{}
	for _, n := range names {
		role.Databases[n.Value] = role
		p.database(n)
	}
	if n := m.Values["connection"]; n != nil {
		p.AddNode(n, "connection is a login of one database: want it in databases, under the name of that database")
	}
}

// roleByDatabase reads a role that may do something else in each database. The keys beside databases hold where a
// database does not have them.
func (p *parser) roleByDatabase(e faults.Entry, m faults.Mapping, what string) *Role {
	role := &Role{Name: e.Key.Value, Databases: map[string]*Role{}}
	if n := m.Values["connection"]; n != nil {
		p.AddNode(n, "connection is a login of one database: want it in databases, under the name of that database")
	}
	entries, _ := p.Entries(m.Values["databases"], "databases of "+what,
		"names of databases with what the role may do there")
	for _, d := range entries {
		p.database(d.Key)
		where := what + " in database " + strconv.Quote(d.Key.Value)
		own, ok := p.Mapping(d.Value, where, roleKeys...)
		for _, key := range roleKeys {
			if n := m.Values[key]; n != nil && own.Values[key] == nil {
				own.Values[key] = n
			}
		}
		role.Databases[d.Key.Value] = p.rights(faults.Entry{Key: e.Key, Value: d.Value}, own, ok, where)
	}
	return role
}

// database records where the file names a database.
func (p *parser) database(n *yaml.Node) {
	p.rules.databases = append(p.rules.databases, place{n.Value, n.Line, n.Column})
}

// rights reads what a role may do in one database.
func (p *parser) rights(e faults.Entry, m faults.Mapping, ok bool, what string) *Role {
	role := &Role{Name: e.Key.Value}
	for _, key := range []string{"schemas", "tables", "operations"} {
		if ok && !m.Has(key) {
			p.AddNode(e.Key, "%s is missing in %s", key, what)
		}
	}
	p.objects(role, m)
	for _, n := range m.Texts("operations", m.List("operations")) {
		if i := slices.Index(operations, n.Value); i >= 0 {
			role.Operations |= operationBits[i]
		} else {
			p.AddNode(n, "operation %q%s", n.Value, faults.Suggest(n.Value, operations))
		}
	}
	p.tools(role, m)
	if role.DatabaseRole = m.Text("database_role"); role.DatabaseRole == "none" {
		p.AddNode(m.Values["database_role"], "database_role none is PostgreSQL's word for no role: want the name of a role")
	}
	p.connection(role, m)
	if m.Has("limits") {
		l, _ := p.Mapping(m.Values["limits"], "limits", "timeout", "rows", "bytes", "max_affected")
		role.Limits = Limits{l.Duration("timeout"), l.Number("rows"), l.Number("bytes"), l.Number("max_affected")}
	}
	return role
}

// objects reads the schemas, tables and functions of a role.
func (p *parser) objects(role *Role, m faults.Mapping) {
	for _, n := range m.Texts("schemas", m.List("schemas")) {
		if strings.HasPrefix(n.Value, "pg_temp") || strings.HasPrefix(n.Value, "pg_toast") {
			p.AddNode(n, "schema %q is not for roles", n.Value)
		}
		role.Schemas = append(role.Schemas, n.Value)
	}
	var tables []*yaml.Node
	tables, role.AllTables = p.textsOrAll(m, "tables")
	for _, n := range tables {
		t, schema := split(n.Value, role.Schemas)
		if schema != "" {
			p.AddNode(n, "table %q is of schema %q, which is not in schemas%s",
				n.Value, schema, faults.Suggest(schema, role.Schemas))
		}
		if n.Value == "*" {
			p.AddNode(n, `"*" is in a list: want tables: "*" for all`)
		}
		role.Tables = append(role.Tables, t)
	}
	for _, n := range m.Texts("functions", m.List("functions")) {
		t, schema := split(n.Value, role.Schemas)
		if schema != "" {
			t.Schema, t.Name, _ = strings.Cut(n.Value, ".")
		}
		if t.Schema == "pg_catalog" || t.Schema == "information_schema" || n.Value == "*" {
			p.AddNode(n, "function %q: want names of user-defined functions; "+
				"which of PostgreSQL's own may be called is fixed", n.Value)
		}
		role.Functions = append(role.Functions, t)
	}
}

// textsOrAll reads a list of texts, or "*" for all.
func (p *parser) textsOrAll(m faults.Mapping, key string) (texts []*yaml.Node, all bool) {
	n := m.Values[key]
	switch {
	case n == nil || n.Kind != yaml.ScalarNode:
		return m.Texts(key, m.List(key)), false
	case n.Value == "*":
		return nil, true
	}
	p.AddNode(n, `%s is %s: want "*" or a list`, key, faults.Describe(n))
	return nil, false
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
func (p *parser) tools(role *Role, m faults.Mapping) {
	if !m.Has("tools") {
		role.AllTools = true
		return
	}
	var tools []*yaml.Node
	tools, role.AllTools = p.textsOrAll(m, "tools")
	for _, n := range tools {
		if !toolPattern.MatchString(n.Value) {
			p.AddNode(n, "tool %q: want the name of a tool or toolset:NAME", n.Value)
		}
		role.Tools = append(role.Tools, n.Value)
	}
}

func (p *parser) connection(role *Role, m faults.Mapping) {
	n := m.Values["connection"]
	role.Connection = m.Text("connection")
	switch {
	case role.Connection == "":
	case !envNamePattern.MatchString(role.Connection):
		role.Connection = "" // it may be a connection string with a password
		p.AddNode(n, "connection holds something else than a name: want the NAME of an environment variable")
	default:
		p.rules.connections = append(p.rules.connections, place{role.Connection, n.Line, n.Column})
	}
}
