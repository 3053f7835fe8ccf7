package registry

import (
	"encoding/json"
	"strings"

	"github.com/invopop/jsonschema"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// Schema holds the two JSON Schemas (2020-12) of a tool.
type Schema struct {
	Input json.RawMessage `json:"input"`
	// Output is nil where the shape of the answer is not known.
	Output json.RawMessage `json:"output,omitempty"`
}

// InputSchema is the JSON Schema of a tool's arguments: every constraint of the header, in the order of the file.
func InputSchema(t *catalog.Tool) *jsonschema.Schema {
	props := jsonschema.NewProperties()
	s := &jsonschema.Schema{Type: "object", Properties: props, AdditionalProperties: jsonschema.FalseSchema}
	for _, p := range t.Arguments() {
		props.Set(p.Name, paramSchema(p))
		if p.Required {
			s.Required = append(s.Required, p.Name)
		}
	}
	for _, e := range t.Examples {
		s.Examples = append(s.Examples, e.Args)
	}
	return s
}

func paramSchema(p catalog.Param) *jsonschema.Schema {
	item := scalarSchema(p.Type.Scalar)
	item.Enum = p.Enum
	item.Minimum, item.Maximum = json.Number(p.Minimum), json.Number(p.Maximum)
	item.MinLength, item.MaxLength, item.Pattern = unsigned(p.MinLength), unsigned(p.MaxLength), p.Pattern
	s := item
	if p.Type.Array {
		s = &jsonschema.Schema{Type: "array", Items: item, MinItems: unsigned(p.MinItems), MaxItems: unsigned(p.MaxItems)}
	}
	s.Description, s.Default, s.Examples = p.Description, p.Default, p.Examples
	return s
}

func unsigned(n *int) *uint64 {
	if n == nil {
		return nil
	}
	u := uint64(*n)
	return &u
}

// scalarSchema gives the JSON type and format of a parameter. Formats are those of JSON Schema 2020-12, section 7.3, and
// for values without a time zone those of the OpenAPI format registry.
func scalarSchema(s catalog.Scalar) *jsonschema.Schema {
	switch s {
	case catalog.Integer, catalog.Number, catalog.Boolean:
		return &jsonschema.Schema{Type: string(s)}
	case catalog.JSON:
		return anything()
	}
	return &jsonschema.Schema{Type: "string", Format: formats[s]}
}

// anything is the schema {}, which the library would write as true: many clients know no boolean schemas.
func anything() *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{}}
}

// formats names the format of the string types that have one. It is read only.
var formats = map[catalog.Scalar]string{
	catalog.Date: "date", catalog.Time: "time-local", catalog.Timestamp: "date-time-local", catalog.Timestamptz: "date-time",
	catalog.Interval: "duration", catalog.UUID: "uuid",
}

// OutputSchema is the JSON Schema of a tool's answer with these columns.
func OutputSchema(t *catalog.Tool, cols []postgres.Column) *jsonschema.Schema {
	props := jsonschema.NewProperties()
	s := &jsonschema.Schema{Type: "object", Properties: props}
	switch t.Result {
	case catalog.Affected:
		props.Set("affected", &jsonschema.Schema{Type: "integer"})
		props.Set("command", &jsonschema.Schema{Type: "string"})
	case catalog.Value:
		if len(cols) > 0 {
			props.Set("value", columnSchema(cols[0], true))
		}
	case catalog.Object:
		setColumns(props, t, cols)
	default:
		item := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties()}
		setColumns(item.Properties, t, cols)
		props.Set("items", &jsonschema.Schema{Type: "array", Items: item})
		if t.Page != nil {
			props.Set("next_cursor", &jsonschema.Schema{Type: "string"})
		}
		s.Required = []string{"items"}
	}
	return s
}

func setColumns(props interface {
	Set(string, *jsonschema.Schema) (*jsonschema.Schema, bool)
}, t *catalog.Tool, cols []postgres.Column) {
	for i, name := range uniqueNames(cols) {
		props.Set(name, columnSchema(cols[i], !t.OmitNull))
	}
}

// columnSchema describes one column. A column may be NULL unless NULLs are left out.
func columnSchema(c postgres.Column, nullable bool) *jsonschema.Schema {
	s := typeSchema(c.Type, nullable)
	switch {
	case c.Comment != "" && s.Description != "" && len(c.Type.Labels) > 0:
		s.Description = c.Comment + " (" + s.Description + ")"
	case c.Comment != "":
		s.Description = c.Comment
	}
	return s
}

// typeSchema describes the JSON that a type is written as (postgres.Type.AppendJSON).
func typeSchema(t *postgres.Type, nullable bool) *jsonschema.Schema {
	var s jsonschema.Schema
	types := []string{"string"}
	switch t.Kind {
	case postgres.Bool:
		types = []string{"boolean"}
	case postgres.Int:
		types = []string{"integer"}
	case postgres.BigInt:
		types = []string{"integer", "string"}
	case postgres.Float, postgres.Numeric:
		types = []string{"number", "string"}
	case postgres.JSON:
		return anything()
	case postgres.Date, postgres.Timestamp, postgres.Timestamptz:
		// No format: infinity and years before 1 or after 9999 have none, and a strict client would drop such an answer.
		s.Description = t.Name + ", ISO 8601"
	case postgres.UUID:
		s.Format = "uuid"
	case postgres.Bytea:
		s.ContentEncoding = "base64"
	case postgres.Array:
		types = []string{"array"}
		s.Items = arrayItems(t)
	}
	if len(t.Labels) > 0 { // ALTER TYPE adds some: an enum here would make clients refuse rows that have them
		s.Description = "one of " + strings.Join(t.Labels, ", ")
	}
	if nullable {
		types = append(types, "null")
	}
	if len(types) == 1 {
		s.Type = types[0]
	} else {
		s.Extras = map[string]any{"type": types}
	}
	return &s
}

// arrayItems describes the items of an array. Types don't tell the dimensions, so an item may be an array itself.
func arrayItems(t *postgres.Type) *jsonschema.Schema {
	item := typeSchema(t.Elem, true)
	if list, ok := item.Extras["type"].([]string); ok {
		item.Extras["type"] = append(list, "array")
	}
	return item
}
