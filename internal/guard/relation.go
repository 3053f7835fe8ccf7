package guard

import (
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

func (d *decision) relations() *Refusal {
	for i, rel := range d.st.Relations {
		if rel.Catalog != "" && rel.Catalog != d.resolved.Database {
			return refuse("relation", rel.Position,
				"%s.%s is of another database, which can't be reached", rel.Catalog, written(rel.Schema, rel.Name))
		}
		found := d.resolved.Relations[i]
		if found == nil {
			d.unknown("table " + written(rel.Schema, rel.Name))
		}
		if d.Role != nil {
			if r := d.permitted(rel, found); r != nil {
				return r
			}
		}
		if found == nil {
			continue
		}
		if d.ReadOnly {
			if r := d.readable(rel, found).asReadOnly(); r != nil {
				return r
			}
		}
		d.uses(rel, found)
	}
	return nil
}

// uses notes what reading a relation runs.
func (d *decision) uses(rel sqlscan.Relation, found *Relation) {
	view := found.Kind == "v" && !found.System
	if view || found.RowSecurity || found.Foreign || rel.Ops&^(sqlscan.OpSelect|sqlscan.OpLock) != 0 {
		d.verdict.Clean = d.verdict.Clean && d.ReadOnly // then all of it is looked at
	}
	if !d.ReadOnly {
		return
	}
	if !found.System {
		d.use("table", found.OID)
	}
	if view {
		d.use("view", found.OID)
	}
	if found.RowSecurity {
		d.use("policy", found.OID)
	}
}

func (d *decision) readable(rel sqlscan.Relation, found *Relation) *Refusal {
	name := written(rel.Schema, rel.Name)
	switch {
	case found.Foreign:
		return refuse("foreign table", rel.Position,
			"%s is a foreign table or has one as a part: read-only mode reaches no other server and no file", name)
	case d.lists.secret[found.Schema+"."+found.Name], found.Schema == "pg_toast":
		return refuse("catalog", rel.Position, "%s shows files or secrets of the server, which read-only mode does not", name)
	case found.catalogue() && found.Extension != "" && !d.lists.allowsRelation(found, nil):
		return refuse("catalog", rel.Position,
			"%s is a catalogue of extension %s, which may hold secrets: read-only mode shows those of known extensions alone",
			name, found.Extension)
	}
	return nil
}

// permitted holds a relation against the role. What does not exist is answered like what is forbidden.
func (d *decision) permitted(rel sqlscan.Relation, found *Relation) *Refusal {
	name := written(rel.Schema, rel.Name)
	schema := rel.Schema
	if found != nil {
		schema = found.Schema
	}
	if schema != "" && !slices.Contains(d.Role.Schemas, schema) {
		if rel.Schema == "" {
			return refuse("schema", rel.Position,
				"table %s is of schema %s, which is not in the schemas of role %s", name, schema, d.Role.Name)
		}
		return refuse("schema", rel.Position, "schema %s is not in the schemas of role %s", schema, d.Role.Name)
	}
	if !d.mentions(schema, rel.Name) {
		return refuse("table", rel.Position,
			"table %s is not in the tables of role %s%s", name, d.Role.Name, faults.DidYouMean(rel.Name, d.tableNames()))
	}
	if r := d.operation(rel, name); r != nil || found == nil {
		return r
	}
	return d.kind(rel, found, name)
}

// kind checks the object that a permitted name refers to.
func (d *decision) kind(rel sqlscan.Relation, found *Relation, name string) *Refusal {
	switch {
	case found.catalogue() && !(found.System && d.lists.structure[found.Schema+"."+found.Name]):
		return refuse("catalog", rel.Position,
			"%s is not among the catalogues that a role may read: it holds contents, settings or activity", name)
	case found.catalogue() && rel.Ops != sqlscan.OpSelect:
		return refuse("catalog", rel.Position, "%s belongs to PostgreSQL: no role may change it", name)
	case found.Extension != "" && !d.lists.allowsRelation(found, d.Role) && !d.Role.names(found.Schema, found.Name):
		return refuse("extension", rel.Position,
			"%s belongs to extension %s: role %s must name it in its tables", name, found.Extension, d.Role.Name)
	case found.Kind == "f" && !d.Role.names(found.Schema, found.Name):
		return refuse("foreign table", rel.Position,
			"%s is a foreign table: role %s must name it in its tables", name, d.Role.Name)
	case !strings.Contains("rpvmSf", found.Kind):
		return refuse("kind", rel.Position, "%s is no table, view or sequence", name)
	case d.st.Explain && !found.System && (found.Kind == "v" || found.RowSecurity):
		return refuse("explain", rel.Position,
			"EXPLAIN would show the definition of %s, a view or a table with row security", name)
	case d.st.Explain && found.Rules && rel.Ops&^(sqlscan.OpSelect|sqlscan.OpLock) != 0:
		return refuse("explain", rel.Position, "EXPLAIN would show the rules of %s", name)
	case d.st.Analyze && rel.Ops&^(sqlscan.OpSelect|sqlscan.OpLock) != 0:
		return refuse("explain", rel.Position,
			"EXPLAIN ANALYZE would show triggers of %s and keys of tables that refer to it: want EXPLAIN without ANALYZE", name)
	}
	return nil
}

// mentions reports whether the role has a table of that name; without a schema it may be of each.
func (d *decision) mentions(schema, name string) bool {
	if d.Role.AllTables {
		return true
	}
	return slices.ContainsFunc(d.Role.Tables, func(t Table) bool {
		return t.Name == name && (schema == "" || t.Schema == "" || t.Schema == schema)
	})
}

func (d *decision) tableNames() []string {
	var names []string
	for _, t := range d.Role.Tables {
		names = append(names, written(t.Schema, t.Name))
	}
	return names
}

var operationNames = map[sqlscan.Operation]string{
	sqlscan.OpSelect: "read", sqlscan.OpInsert: "insert into", sqlscan.OpUpdate: "update", sqlscan.OpDelete: "delete from",
	sqlscan.OpLock: "lock rows of",
}

// operation holds what is done to a relation against the operations of the role. To lock rows is to update.
func (d *decision) operation(rel sqlscan.Relation, name string) *Refusal {
	for _, op := range []sqlscan.Operation{
		sqlscan.OpInsert, sqlscan.OpUpdate, sqlscan.OpDelete, sqlscan.OpLock, sqlscan.OpSelect} {
		needed := op
		if op == sqlscan.OpLock {
			needed = sqlscan.OpUpdate
		}
		if rel.Ops&op == 0 || d.Role.Operations&needed != 0 {
			continue
		}
		return refuse("operation", rel.Position,
			"role %s may not %s %s: its operations are %s", d.Role.Name, operationNames[op], name, d.Role.operations())
	}
	return nil
}

// operations lists those of the role.
func (r *Role) operations() string {
	var names []string
	for i, bit := range operationBits {
		if r.Operations&bit != 0 {
			names = append(names, operations[i])
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
