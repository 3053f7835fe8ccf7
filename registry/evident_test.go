package registry

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"mcp-postgres/catalog"
)

// TestEvident holds what is accepted without the schema against the schema.
func TestEvident(t *testing.T) {
	one, three := 1, 3
	params := []catalog.Param{
		{Name: "text", Type: catalog.Type{Scalar: catalog.String}},
		{Name: "needed", Type: catalog.Type{Scalar: catalog.String}, Required: true},
		{Name: "short", Type: catalog.Type{Scalar: catalog.String}, MinLength: &one, MaxLength: &three},
		{Name: "word", Type: catalog.Type{Scalar: catalog.String}, Pattern: "^a"},
		{Name: "choice", Type: catalog.Type{Scalar: catalog.String}, Enum: []any{"a", "b"}},
		{Name: "many", Type: catalog.Type{Scalar: catalog.String, Array: true}},
		{Name: "flag", Type: catalog.Type{Scalar: catalog.Boolean}},
		{Name: "free", Type: catalog.Type{Scalar: catalog.Integer}},
		{Name: "bound", Type: catalog.Type{Scalar: catalog.Integer}, Minimum: "-2", Maximum: "10"},
		{Name: "halves", Type: catalog.Type{Scalar: catalog.Integer}, Minimum: "0.5", Maximum: "1.5"},
		{Name: "number", Type: catalog.Type{Scalar: catalog.Number}, Maximum: "10"},
		{Name: "level", Type: catalog.Type{Scalar: catalog.Integer}, Enum: []any{json.Number("1"), json.Number("2")}},
		{Name: "day", Type: catalog.Type{Scalar: catalog.Date}},
		{Name: "anything", Type: catalog.Type{Scalar: catalog.JSON}},
	}
	values := []string{`"a"`, `"b"`, `""`, `"bcde"`, `"2024-01-31"`, `true`, `false`, `0`, `-0`, `1`, `1.0`, `1.5`, `1e1`, `-2`, `-3`, `10`, `11`,
		`9223372036854775807`, `9223372036854775808`, `[]`, `["a"]`, `{}`, `{"a": 1}`}
	input, err := json.Marshal(InputSchema(&catalog.Tool{Params: params}))
	if err != nil {
		t.Fatal(err)
	}
	v := newValidator("t", input, params)
	schema, err := v.schema()
	if err != nil {
		t.Fatal(err)
	}
	evidently, fits := 0, 0
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		object := map[string]json.RawMessage{}
		for range random.IntN(4) {
			object[params[random.IntN(len(params))].Name] = json.RawMessage(values[random.IntN(len(values))])
		}
		if random.IntN(4) > 0 {
			object["needed"] = json.RawMessage(`"x"`)
		}
		if random.IntN(20) == 0 {
			object["unknown"] = json.RawMessage(`1`)
		}
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		args, err := decodeObject(raw)
		if err != nil {
			t.Fatal(err)
		}
		invalid := schema.Validate(args)
		if invalid == nil {
			fits++
		}
		if v.evident(args) {
			evidently++
			if invalid != nil {
				t.Errorf("%s passes, and the schema says %v", raw, invalid)
			}
		}
	}
	if evidently == 0 || evidently == fits {
		t.Errorf("%d arguments fit evidently, %d fit: want some, and not all", evidently, fits)
	}
}
