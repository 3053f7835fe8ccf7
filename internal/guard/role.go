package guard

import (
	"slices"
	"strings"
	"time"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/sqlscan"
)

// Role is what its users may do. The zero value allows nothing.
type Role struct {
	Name string
	// Schemas are in the order in which unqualified names are looked up.
	Schemas []string
	// AllTables allows every relation of the schemas except foreign tables and those of extensions, which must be named in
	// Tables.
	AllTables bool
	Tables    []Table
	// Operations are OpSelect, OpInsert, OpUpdate and OpDelete.
	Operations sqlscan.Operation
	// Tools are names, and those of toolsets with ToolsetPrefix; AllTools allows every tool.
	AllTools bool
	Tools    []string
	// Functions outside pg_catalog that the role may call.
	Functions []Table
	// DatabaseRole is the PostgreSQL role that a call takes on, Connection the environment variable with the connection
	// string of the role's own login.
	DatabaseRole, Connection string
	// Limits of one call; a zero field leaves the server's limit in force.
	Limits Limits

	// Databases are what the role may do in each database, where there are several; nil is the default one alone.
	Databases map[string]*Role
	// AllDatabases says that it may do the same in all of them.
	AllDatabases bool
}

// In is what the role may do in a database of several; nil is nothing. main says that it is the default one.
func (r *Role) In(database string, main bool) *Role {
	if r == nil || r.AllDatabases || r.Databases == nil && main {
		return r
	}
	return r.Databases[database]
}

// Limits bound one call.
type Limits struct {
	Timeout     time.Duration
	Rows, Bytes int
	Affected    int // rows that one call may change
}

// Table is a relation or function as permissions.yaml names it: an empty Schema stands for each schema of the role.
type Table struct {
	Schema, Name string
}

// ToolsetPrefix tells the name of a toolset from that of a tool.
const ToolsetPrefix = "toolset:"

// AllowsTool reports whether the role may call a tool.
func (r *Role) AllowsTool(name, toolset string) bool {
	return r != nil && (r.AllTools || slices.Contains(r.Tools, name) ||
		toolset != "" && slices.Contains(r.Tools, ToolsetPrefix+toolset))
}

// SearchPath is the role's schemas as search_path wants them. pg_catalog comes first by itself, and a temporary table
// can't take the name of another.
func (r *Role) SearchPath() string {
	var path []string
	for _, s := range r.Schemas {
		if s != "pg_catalog" {
			path = append(path, pgtext.Identifier(s))
		}
	}
	return strings.Join(append(path, "pg_temp"), ", ")
}

// QualifiedTables are the tables as format('%I.%I') writes them, for @caller_tables; nil means every table of the
// schemas. PostgreSQL quotes keywords too: a name that may be one is there in each way.
func (r *Role) QualifiedTables() []string {
	if r.AllTables {
		return nil
	}
	all := []string{}
	for _, t := range r.Tables {
		for _, schema := range r.Schemas {
			if t.Schema != "" && t.Schema != schema {
				continue
			}
			for _, s := range spellings(schema) {
				for _, n := range spellings(t.Name) {
					all = append(all, s+"."+n)
				}
			}
		}
	}
	return all
}

func spellings(name string) []string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && name != "" && name[0] > '9' {
		return []string{name, pgtext.Identifier(name)}
	}
	return []string{pgtext.Identifier(name)}
}

// names reports whether the role names a relation in its tables; the operation is another matter.
func (r *Role) names(schema, name string) bool {
	return slices.Contains(r.Schemas, schema) && named(r.Tables, schema, name)
}

// sees reports whether a relation is among those of the role. Without a name it is about the schema.
func (r *Role) sees(schema, name string) bool {
	return slices.Contains(r.Schemas, schema) && (name == "" || r.AllTables || named(r.Tables, schema, name))
}

// SeesNote reports whether the role may be told a note of that name: on one of its schemas, or on what is in it; of a
// role with tables of its own, on those and their columns.
func (r *Role) SeesNote(name string) bool {
	if r == nil {
		return false
	}
	return slices.ContainsFunc(r.Schemas, func(schema string) bool {
		rest, ok := below(name, schema)
		return ok && (rest == "" || r.AllTables || slices.ContainsFunc(r.Tables, func(t Table) bool {
			_, ok := below(rest, t.Name)
			return ok && (t.Schema == "" || t.Schema == schema)
		}))
	})
}

// below gives what a name has after that of its parent and a dot; it is empty for the parent itself.
func below(name, parent string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, parent)
	if !ok || rest == "" {
		return "", ok
	}
	return strings.CutPrefix(rest, ".")
}

// allowsFunction reports whether the role may call a function outside pg_catalog.
func (r *Role) allowsFunction(schema, name string) bool {
	return slices.Contains(r.Functions, Table{schema, name}) ||
		slices.Contains(r.Schemas, schema) && slices.Contains(r.Functions, Table{"", name})
}

func named(list []Table, schema, name string) bool {
	return slices.Contains(list, Table{schema, name}) || slices.Contains(list, Table{"", name})
}
