package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
)

// Rules are the contents of permissions.yaml. The zero value allows nothing.
type Rules struct {
	// Roles are in the order of the file.
	Roles     []*Role
	users     map[string]*Role
	fallback  *Role // _default
	claimPath string
	claimMap  []claimRole // in the order of the file

	path        string
	connections []place
	databases   []place
}

type claimRole struct {
	value string
	role  *Role
}

// place is where the file names an environment variable or a database.
type place struct {
	name      string
	line, col int
}

// Role returns the role with that name, or nil.
func (r *Rules) Role(name string) *Role {
	i := slices.IndexFunc(r.Roles, func(role *Role) bool { return role.Name == name })
	if i < 0 {
		return nil
	}
	return r.Roles[i]
}

// CheckConnections reports the roles whose connection is not set; lookup is os.LookupEnv. The values are not shown.
func (r *Rules) CheckConnections(lookup func(string) (string, bool)) error {
	var found faults.List
	for _, p := range r.connections {
		if value, ok := lookup(p.name); !ok || strings.TrimSpace(value) == "" {
			found = append(found, faults.Fault{Path: r.path, Line: p.line, Col: p.col,
				Problem: fmt.Sprintf("connection %s: the environment variable is not set: "+
					"want the connection string of the role's login", p.name)})
		}
	}
	if found == nil {
		return nil
	}
	return found
}

// In are the rules as they are in a database of several. main says that it is the default one.
func (r *Rules) In(database string, main bool) *Rules {
	if r == nil {
		return nil
	}
	own := *r
	own.Roles, own.users, own.claimMap = nil, map[string]*Role{}, slices.Clone(r.claimMap)
	for _, role := range r.Roles {
		if in := role.In(database, main); in != nil {
			own.Roles = append(own.Roles, in)
		}
	}
	for name, role := range r.users {
		own.users[name] = role.In(database, main)
	}
	for i, m := range own.claimMap {
		own.claimMap[i].role = m.role.In(database, main)
	}
	own.fallback = r.fallback.In(database, main)
	return &own
}

// Logins are what roles may do with a login of their own, in whichever database.
func (r *Rules) Logins() (all []*Role) {
	for _, role := range r.Roles {
		for _, in := range append(slices.Collect(maps.Values(role.Databases)), role) {
			if in.Connection != "" {
				all = append(all, in)
			}
		}
	}
	return all
}

// CheckDatabases reports the names of databases that are none of the given.
func (r *Rules) CheckDatabases(known []string) error {
	var found faults.List
	for _, p := range r.databases {
		if !slices.Contains(known, p.name) {
			found = append(found, faults.Fault{Path: r.path, Line: p.line, Col: p.col,
				Problem: fmt.Sprintf("there is no database %q%s", p.name, faults.Suggest(p.name, known))})
		}
	}
	if found == nil {
		return nil
	}
	return found
}

// Caller finds the role of a verified token: by its sub in users, by its email there if the issuer has verified it, by
// claims.map in the order of the file, by _default. The error says that there is none.
func (r *Rules) Caller(sub string, claims json.RawMessage) (*Caller, error) {
	if sub == "" {
		return nil, errors.New("the token has no sub")
	}
	values, err := decodeClaims(claims)
	if err != nil {
		return nil, err
	}
	c := &Caller{Sub: sub, Claims: claims, Role: r.users[sub]}
	if email, _ := values["email"].(string); c.Role == nil && email != "" && values["email_verified"] == true {
		c.Role = r.users[email]
	}
	if c.Role == nil {
		c.Role = r.claimed(values)
	}
	if c.Role == nil {
		c.Role = r.fallback
	}
	if c.Role == nil {
		return nil, errors.New("no role for this caller: neither users nor claims name it, and users has no _default")
	}
	return c, nil
}

func decodeClaims(claims json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(claims)) == 0 {
		return nil, nil
	}
	var values map[string]any
	if err := json.Unmarshal(claims, &values); err != nil {
		return nil, errors.New("the claims of the token are not a JSON object")
	}
	return values, nil
}

// claimed is the first role of claims.map whose value the claim has or holds.
func (r *Rules) claimed(values map[string]any) *Role {
	if r.claimPath == "" {
		return nil
	}
	var have []any
	switch v := claimAt(values, r.claimPath).(type) {
	case string:
		have = []any{v}
	case []any:
		have = v
	}
	for _, m := range r.claimMap {
		if slices.ContainsFunc(have, func(v any) bool { return v == m.value }) {
			return m.role
		}
	}
	return nil
}

// claimAt follows a path of keys joined by dots; a key may hold dots itself, as those that are URLs do.
func claimAt(values map[string]any, path string) any {
	if v, ok := values[path]; ok {
		return v
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if inner, ok := values[path[:i]].(map[string]any); ok {
			if v := claimAt(inner, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
