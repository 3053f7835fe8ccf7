package registry

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// Schema holds the two JSON Schemas (2020-12) of a tool.
type Schema struct {
	Input json.RawMessage `json:"input"`
	// Output is nil where the shape of the answer is not known.
	Output json.RawMessage `json:"output,omitempty"`
}

// InputSchema is the JSON Schema of a tool's arguments, in the order of the file. It keeps to what every host and every
// API of a model takes, as TestPortable lists it; what that can't express is said in the descriptions.
func InputSchema(t *catalog.Tool) *jsonschema.Schema {
	props := jsonschema.NewProperties()
	s := &jsonschema.Schema{Type: "object", Properties: props, AdditionalProperties: jsonschema.FalseSchema}
	for _, p := range t.Arguments() {
		props.Set(p.Name, paramSchema(&p))
		if p.Required {
			s.Required = append(s.Required, p.Name)
		}
	}
	return s
}

func paramSchema(p *catalog.Param) *jsonschema.Schema {
	item := &jsonschema.Schema{Type: "string", Pattern: p.Pattern,
		Minimum: json.Number(p.Minimum), Maximum: json.Number(p.Maximum)}
	switch p.Type.Scalar {
	case catalog.Integer, catalog.Number, catalog.Boolean:
		item.Type = string(p.Type.Scalar)
	case catalog.Timestamptz:
		item.Format = "date-time"
	}
	if p.ListsTexts() {
		item.Enum = p.Enum
	}
	s := item
	if p.Type.Array {
		s = &jsonschema.Schema{Type: "array", Items: item, MinItems: unsigned(p.MinItems), MaxItems: unsigned(p.MaxItems)}
	}
	s.Description = described(p)
	return s
}

// described is the description of a parameter, with what its schema can't say.
func described(p *catalog.Param) string {
	var text []string
	if p.Description != "" {
		text = append(text, p.Description)
	}
	if form := form(p); form != "" {
		text = append(text, strings.ToUpper(form[:1])+form[1:]+".")
	}
	if p.Enum != nil && !p.ListsTexts() {
		text = append(text, "One of "+jsonTexts(p.Enum)+".")
	}
	switch {
	case p.MinLength != nil && p.MaxLength != nil:
		text = append(text, fmt.Sprintf("%d to %d characters.", *p.MinLength, *p.MaxLength))
	case p.MinLength != nil && *p.MinLength == 1:
		text = append(text, "Not empty.")
	case p.MinLength != nil:
		text = append(text, fmt.Sprintf("At least %d characters.", *p.MinLength))
	case p.MaxLength != nil:
		text = append(text, fmt.Sprintf("At most %d characters.", *p.MaxLength))
	}
	if p.Examples != nil {
		text = append(text, "For example "+jsonTexts(p.Examples)+".")
	}
	if p.Default != nil {
		text = append(text, "Default "+pgtext.JSON(p.Default)+".")
	}
	return strings.Join(text, " ")
}

// form is the form of a value where the schema does not show it.
func form(p *catalog.Param) string {
	switch p.Type.Scalar {
	case catalog.Date, catalog.Time, catalog.Timestamp, catalog.Interval, catalog.UUID, catalog.JSON:
		if p.ListsTexts() {
			return ""
		}
		if p.Type.Array {
			return "each item " + p.Type.Scalar.Form()
		}
		return p.Type.Scalar.Form()
	}
	return ""
}

// description is that of a tool, with its examples: few hosts show a model those of a schema, and some refuse them.
func description(t *catalog.Tool) string {
	text := t.Description
	for _, e := range t.Examples {
		text += "\nExample: " + string(e.Args)
		if e.Description != "" {
			text += " (" + strings.TrimSuffix(e.Description, ".") + ")"
		}
	}
	return text
}

func jsonTexts(values []any) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, pgtext.JSON(v))
	}
	return strings.Join(texts, ", ")
}

func unsigned(n *int) *uint64 {
	if n == nil {
		return nil
	}
	u := uint64(*n)
	return &u
}

// OutputSchema is the JSON Schema of a tool's answer with these columns; nil for a text.
func OutputSchema(t *catalog.Tool, cols []postgres.Column) (json.RawMessage, error) {
	if t.Result == catalog.Text || t.Result == catalog.Query {
		return nil, nil
	}
	return json.Marshal(answerSchema(t, cols))
}

func answerSchema(t *catalog.Tool, cols []postgres.Column) *jsonschema.Schema {
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
		types, nullable = []string{"object", "array", "string", "number", "boolean", "null"}, false
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
	s.Type, s.AnyOf = oneOf(types)
	return &s
}

// oneOf is how a schema says its types: a list of types is known to fewer clients than anyOf.
func oneOf(types []string) (single string, several []*jsonschema.Schema) {
	if len(types) == 1 {
		return types[0], nil
	}
	for _, name := range types {
		several = append(several, &jsonschema.Schema{Type: name})
	}
	return "", several
}

// arrayItems describes the items of an array. Types don't tell the dimensions, so an item may be an array itself.
func arrayItems(t *postgres.Type) *jsonschema.Schema {
	item := typeSchema(t.Elem, true)
	if t.Elem.Kind != postgres.JSON {
		item.AnyOf = append(item.AnyOf, &jsonschema.Schema{Type: "array"})
	}
	return item
}
