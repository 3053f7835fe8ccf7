package guard

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

func (d *decision) types() *Refusal {
	for i, t := range d.st.Types {
		if t.Schema == "" || t.Schema == "pg_catalog" {
			if r := d.ownType(t); r != nil {
				return r
			}
		}
		if r := d.userType(t, d.resolved.Types[i]); r != nil {
			return r
		}
	}
	if d.ReadOnly {
		for _, oid := range d.resolved.Domains {
			d.use("domain", oid)
		}
	}
	return nil
}

// ownType refuses some types of pg_catalog, and arrays of them.
func (d *decision) ownType(t sqlscan.Object) *Refusal {
	switch d.lists.types[strings.TrimPrefix(t.Name, "_")] {
	case everyone:
		return refuse("type", t.Position, "a value can't be made %s: nothing can interrupt PostgreSQL's XML parser", t.Name)
	case readers:
		if d.Role != nil {
			return refuse("type", t.Position,
				"type %s finds objects by their names, also those that role %s may not see", t.Name, d.Role.Name)
		}
	}
	return nil
}

func (d *decision) userType(t sqlscan.Object, candidates []Type) *Refusal {
	if len(candidates) == 0 {
		d.verdict.Unresolved = true
		if d.Role != nil && t.Schema != "" && !slices.Contains(d.Role.Schemas, t.Schema) {
			return d.foreignType(t, t.Schema)
		}
		if d.Role != nil && !d.Role.AllTables && d.resolved.Database != "" { // which was asked
			return d.hiddenType(t)
		}
	}
	for _, c := range candidates {
		if d.Role != nil && c.System && c.Row {
			return refuse("type", t.Position,
				"type %s is a row of a catalogue, which no role may make", written(t.Schema, t.Name))
		}
		if d.Role != nil && !(c.System && c.Schema == "pg_catalog") {
			if _, harmless := d.lists.extensions[c.Extension]; !harmless && !slices.Contains(d.Role.Schemas, c.Schema) {
				return d.foreignType(t, c.Schema)
			}
			if c.Row && !c.System && !d.mentions(c.Schema, c.Name) {
				return d.hiddenType(t)
			}
		}
	}
	return nil
}

// hiddenType gives the same answer for a type that does not exist and for the row of a table that the role may not see.
func (d *decision) hiddenType(t sqlscan.Object) *Refusal {
	return refuse("type", t.Position, "type %s is not one that role %s may name", written(t.Schema, t.Name), d.Role.Name)
}

func (d *decision) foreignType(t sqlscan.Object, schema string) *Refusal {
	return refuse("type", t.Position,
		"type %s is of schema %s, which is not in the schemas of role %s", written(t.Schema, t.Name), schema, d.Role.Name)
}
