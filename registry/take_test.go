package registry

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mcp-postgres/catalog"
)

// everyParam has each type, alone and as an array, and each bound.
func everyParam() []catalog.Param {
	one, three := 1, 3
	params := []catalog.Param{
		{Name: "needed", Type: catalog.Type{Scalar: catalog.String}, Required: true},
		{Name: "short", Type: catalog.Type{Scalar: catalog.String}, MinLength: &one, MaxLength: &three},
		{Name: "word", Type: catalog.Type{Scalar: catalog.String}, Pattern: "^a"},
		{Name: "choice", Type: catalog.Type{Scalar: catalog.String}, Enum: []any{"a", "b", "5", "true"}},
		{Name: "bound", Type: catalog.Type{Scalar: catalog.Integer}, Minimum: "-2", Maximum: "10"},
		{Name: "halves", Type: catalog.Type{Scalar: catalog.Integer}, Minimum: "0.5", Maximum: "1.5"},
		{Name: "least", Type: catalog.Type{Scalar: catalog.Number}, Maximum: "10"},
		{Name: "level", Type: catalog.Type{Scalar: catalog.Integer}, Enum: []any{json.Number("1"), json.Number("2")}},
		{Name: "rates", Type: catalog.Type{Scalar: catalog.Number, Array: true}, Enum: []any{json.Number("1"), json.Number("1.5")}},
		{Name: "some", Type: catalog.Type{Scalar: catalog.String, Array: true}, MinItems: &one, MaxItems: &three},
		{Name: "choices", Type: catalog.Type{Scalar: catalog.String, Array: true}, Enum: []any{"a", "b"}},
		{Name: "defaulted", Type: catalog.Type{Scalar: catalog.JSON}, Default: map[string]any{"a": json.Number("1")}},
	}
	for _, s := range []catalog.Scalar{catalog.String, catalog.Integer, catalog.Number, catalog.Boolean, catalog.Date, catalog.Time,
		catalog.Timestamp, catalog.Timestamptz, catalog.Interval, catalog.UUID, catalog.JSON, catalog.Any} {
		params = append(params, catalog.Param{Name: string(s), Type: catalog.Type{Scalar: s}},
			catalog.Param{Name: string(s) + "_list", Type: catalog.Type{Scalar: s, Array: true}})
	}
	return params
}

// someValues are written as a call may give them; each is given as text, too, and in a list.
func someValues(t *testing.T) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	for _, v := range []string{`"a"`, `"b"`, `""`, `"bcde"`, `"2024-01-31"`, `"09:30"`, `"2024-01-31 09:30:00"`, `"2024-01-31T09:30:00Z"`, `"P1D"`,
		`"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`, `true`, `false`, `null`, `0`, `-0`, `1`, `1.0`, `1.5`, `1e1`, `-2`, `-3`, `10`, `11`, `05`, `+1`, `0x1`,
		`9223372036854775807`, `9223372036854775808`, `1e400`, `[]`, `["a"]`, `{}`, `{"a": 1}`, `{'a': 1}`, `1 2`, ` 1 `, `True`, `1,2`, `{1,2}`} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
		if json.Valid([]byte(v)) {
			all = append(all, json.RawMessage(v), json.RawMessage("["+v+"]"), json.RawMessage("["+string(text)+", "+v+"]"))
		}
	}
	return all
}

// advertised compiles the schema that clients see.
func advertised(t *testing.T, params []catalog.Param) *jsonschema.Schema {
	t.Helper()
	input, err := json.Marshal(InputSchema(&catalog.Tool{Params: params}))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("tool:t", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("tool:t")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said reports a parameter of which the schema does not say all: the rest is in its description.
func said(p catalog.Param) bool {
	switch p.Type.Scalar {
	case catalog.Date, catalog.Time, catalog.Timestamp, catalog.Timestamptz, catalog.Interval, catalog.UUID, catalog.JSON:
		return true
	}
	return p.Enum != nil && !p.ListsTexts() || p.MinLength != nil
}

// TestTakeAndSchema holds what is taken against the schema that is advertised: what fits the schema is taken unchanged, but for
// what only a description says; what is taken gives a value that fits the schema; and a second look changes nothing.
func TestTakeAndSchema(t *testing.T) {
	params := everyParam()
	schema, check := advertised(t, params), params
	fitting, changed := 0, 0
	for _, p := range params {
		for _, value := range someValues(t) {
			raw := `{"needed": "x", "` + p.Name + `": ` + string(value) + `}`
			given, err := decodeObject(json.RawMessage(raw))
			if err != nil {
				t.Fatal(err)
			}
			if given[p.Name] == nil {
				continue
			}
			fits := schema.Validate(given) == nil
			taken, err := takeArguments(check, json.RawMessage(raw))
			switch outside := tooBig(given[p.Name]); {
			case fits && err != nil && !said(p) && !outside:
				t.Errorf("%s fits the schema and is refused: %v", raw, err)
			case fits && err == nil && p.Type.Scalar == catalog.String && !reflect.DeepEqual(given[p.Name], taken[p.Name]):
				t.Errorf("%s became %v, want it as it is", raw, taken[p.Name])
			case err != nil:
				continue
			}
			fitting++
			if !fits {
				changed++
			}
			delete(taken, "defaulted")
			loose := p.Type.Scalar == catalog.JSON || p.Type.Scalar == catalog.Any
			if err := schema.Validate(taken); err != nil && !loose {
				t.Errorf("%s became %v, which does not fit the schema: %v", raw, taken, err)
			}
			if again, problems := p.Take(taken[p.Name]); !loose && taken[p.Name] != nil && (problems != nil || !reflect.DeepEqual(again, taken[p.Name])) {
				t.Errorf("%s became %v, and that %v (%q): want it unchanged", raw, taken[p.Name], again, problems)
			}
		}
	}
	if fitting < 300 || changed < 50 || changed == fitting {
		t.Errorf("%d calls fit, %d of them not the schema: want more of both kinds", fitting, changed)
	}
}

// tooBig reports a whole number that JSON Schema takes and PostgreSQL's bigint does not.
func tooBig(v any) bool {
	if items, ok := v.([]any); ok && len(items) > 0 {
		v = items[len(items)-1]
	}
	n, ok := v.(json.Number)
	return ok && (n == "9223372036854775808" || n == "1e400")
}

// TestTake has what is taken for each type, and how the rest is refused.
func TestTake(t *testing.T) {
	for _, test := range []struct{ param, given, want string }{
		{"integer", `5`, `5`}, {"integer", `"5"`, `5`}, {"integer", `3.0`, `3`}, {"integer", `"3.0"`, `3`}, {"integer", `1e3`, `1000`},
		{"integer", `"-7"`, `-7`}, {"integer", `"9223372036854775807"`, `9223372036854775807`},
		{"integer", `"9223372036854775808"`, `integer: 9223372036854775808 is outside the range of a 64-bit integer`},
		{"integer", `"five"`, `integer: "five" is not an integer`}, {"integer", `"5.5"`, `integer: "5.5" is not an integer`},
		{"integer", `5.5`, `integer: 5.5 is not an integer`}, {"integer", `""`, `integer: "" is not an integer`},
		{"integer", `"1e999"`, `integer: 1e999... is too large a number`}, {"integer", `true`, `integer: true is not an integer`},
		{"integer", `"\"5\""`, `integer: "\"5\"" is not an integer`}, {"integer", `[5]`, `integer: [5] is not an integer`},
		{"integer", `"null"`, `integer: "null" is not an integer`},
		{"number", `"19.90"`, `19.90`}, {"number", `"1,5"`, `number: "1,5" is not a number`}, {"number", `"NaN"`, `number: "NaN" is not a number`},
		{"boolean", `"true"`, `true`}, {"boolean", `"false"`, `false`}, {"boolean", `"True"`, `boolean: "True" is not true or false`},
		{"boolean", `1`, `boolean: 1 is not true or false`}, {"boolean", `"yes"`, `boolean: "yes" is not true or false`},
		{"string", `"5"`, `"5"`}, {"string", `"[1]"`, `"[1]"`}, {"string", `"true"`, `"true"`}, {"string", `5`, `"5"`}, {"string", `5.50`, `"5.50"`},
		{"string", `true`, `"true"`}, {"string", `{"a": 1}`, `string: {"a":1} is not a string`}, {"string", `[]`, `string: [] is not a string`},
		{"date", `20240131`, `date: 20240131 is not a date such as 2024-01-31`}, {"date", `"2024-01-31"`, `"2024-01-31"`},
		{"string_list", `["a", 5]`, `["a","5"]`}, {"string_list", `"[\"a\"]"`, `["a"]`}, {"string_list", `"[1]"`, `["1"]`}, {"string_list", `[]`, `[]`},
		{"string_list", `"a"`, `string_list: "a" is not an array such as ["a"]`}, {"string_list", `"a,b"`, `string_list: "a,b" is not an array such as ["a,b"]`},
		{"string_list", `["a", null]`, `string_list[1]: null is not a string`}, {"string_list", `{"a": 1}`, `string_list: {"a":1} is not an array`},
		{"integer_list", `["1", 2, 3.0]`, `[1,2,3]`}, {"integer_list", `"[1, 2]"`, `[1,2]`}, {"integer_list", `3`, `integer_list: 3 is not an array such as [3]`},
		{"integer_list", `["a", 1, "b"]`, `integer_list[0]: "a" is not an integer; integer_list[2]: "b" is not an integer`},
		{"boolean_list", `["true", false]`, `[true,false]`}, {"date_list", `"[\"2024-01-31\"]"`, `["2024-01-31"]`},
		{"date_list", `["31.1.2024"]`, `date_list[0]: "31.1.2024" is not a date such as 2024-01-31`},
		{"json", `{"a": 1}`, `{"a":1}`}, {"json", `"{\"a\": 1}"`, `{"a":1}`}, {"json", `"[1]"`, `[1]`}, {"json", `"5"`, `5`}, {"json", `5`, `5`},
		{"json", `"\"a\""`, `"a"`}, {"json", `"a"`, `json: "a" is not JSON text such as {"key": "value"}; a string needs quotes of its own in it`},
		{"json", `"{'a': 1}"`, `json: "{'a': 1}" is not JSON text such as {"key": "value"}; a string needs quotes of its own in it`},
		{"json", `"{\"a\": 1} x"`, `json: "{\"a\": 1} x" is not JSON text such as {"key": "value"}; a string needs quotes of its own in it`},
		{"json", `"\"\\ud800\""`, `json: holds \ud800, which is half of a character`},
		{"json_list", `[{"a": 1}, "{\"b\": 2}", null]`, `[{"a":1},{"b":2},null]`}, {"json_list", `"[{\"a\": 1}]"`, `[{"a":1}]`},
		{"any_list", `"[41]"`, `[41]`}, {"any_list", `[1, "5", "[1]", {"a": 1}, null, [2]]`, `[1,"5","[1]",{"a":1},null,[2]]`},
		{"any_list", `"41"`, `any_list: "41" is not an array such as ["41"]`},
		{"level", `"2"`, `2`}, {"level", `2.0`, `2`}, {"level", `"3"`, `level: 3 is not one of 1, 2`}, {"rates", `["1.50"]`, `[1.50]`},
		{"choice", `5`, `"5"`}, {"choice", `"c"`, `choice: "c" is not one of "a", "b", "5", "true"`},
	} {
		args, err := takeArguments(everyParam(), json.RawMessage(`{"needed": "x", "`+test.param+`": `+test.given+`}`))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			b, err := json.Marshal(args[test.param])
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != test.want {
			t.Errorf("%s given %s = %s, want %s", test.param, test.given, got, test.want)
		}
	}
}

// TestTakeTogether gives many arguments at once: all are right, or all that are wrong are named.
func TestTakeTogether(t *testing.T) {
	params, values := everyParam(), someValues(t)
	check := params
	random := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		object, want := map[string]json.RawMessage{"needed": json.RawMessage(`"x"`)}, 0
		for range random.IntN(6) {
			p := params[1+random.IntN(len(params)-1)]
			object[p.Name] = values[random.IntN(len(values))]
		}
		for name, value := range object {
			if _, err := takeArguments(check, json.RawMessage(`{"needed": "x", "`+name+`": `+string(value)+`}`)); err != nil && name != "needed" {
				want++
			}
		}
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := takeArguments(check, raw); (err != nil) != (want > 0) {
			t.Errorf("%s: %v, and alone %d of its arguments are wrong", raw, err, want)
		}
	}
}
