package registry_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mcp-postgres/registry"
)

// portable are the rules for input schemas, each with the hosts that it comes from and a schema that breaks it. One schema that
// the API of a model refuses takes all tools of a server from a host.
var portable = []struct {
	name, hosts, broken string
	holds               func(s map[string]any) bool
}{
	{"one type", "Gemini function declarations; Gemini CLI leaves out a tool without", `{"type": ["string", "null"]}`,
		func(s map[string]any) bool { _, ok := s["type"].(string); return ok }},
	{"known types", "Gemini function declarations: there is no null", `{"type": "null"}`, func(s map[string]any) bool {
		return slices.Contains([]any{"string", "integer", "number", "boolean", "array", "object"}, s["type"])
	}},
	{"known keys", "Gemini function declarations: an unknown field is an error (examples, $ref, oneOf, allOf, const); OpenAI strict tools: not default, " +
		"minLength, maxLength, uniqueItems, patternProperties", `{"type": "string", "examples": ["a"]}`, func(s map[string]any) bool {
		for key := range s {
			if !slices.Contains([]string{"type", "description", "enum", "format", "items", "properties", "required", "additionalProperties",
				"minimum", "maximum", "minItems", "maxItems", "pattern"}, key) {
				return false
			}
		}
		return true
	}},
	{"items of arrays", "Gemini function declarations, VS Code: a tool whose array has no items is refused", `{"type": "array"}`,
		func(s map[string]any) bool { _, ok := s["items"].(map[string]any); return ok == (s["type"] == "array") }},
	{"no arrays of arrays", "Gemini function declarations: nested arrays lose the type of their items", `{"type": "array", "items": {"type": "array", "items": {"type": "string"}}}`,
		func(s map[string]any) bool {
			items, _ := s["items"].(map[string]any)
			return items["type"] != "array"
		}},
	{"enums of texts", "Gemini function declarations: only allowed for STRING type, and none may be empty", `{"type": "string", "enum": [""]}`,
		func(s map[string]any) bool {
			enum, ok := s["enum"].([]any)
			return !ok || s["type"] == "string" && len(enum) > 0 && !slices.ContainsFunc(enum, func(v any) bool {
				text, ok := v.(string)
				return !ok || text == ""
			})
		}},
	{"formats", "Gemini function declarations: date-time only", `{"type": "string", "format": "date"}`,
		func(s map[string]any) bool { return s["format"] == nil || s["format"] == "date-time" }},
	{"closed objects", "OpenAI strict tools", `{"type": "object", "properties": {}}`,
		func(s map[string]any) bool {
			_, properties := s["properties"].(map[string]any)
			return s["type"] != "object" || properties && s["additionalProperties"] == false
		}},
	{"required properties", "Gemini function declarations: property is not defined", `{"type": "object", "properties": {}, "additionalProperties": false, "required": ["a"]}`,
		func(s map[string]any) bool {
			properties, _ := s["properties"].(map[string]any)
			required, _ := s["required"].([]any)
			return !slices.ContainsFunc(required, func(name any) bool { return properties[fmt.Sprint(name)] == nil })
		}},
	{"names of properties", "Claude", `{"type": "object", "properties": {"größe": {"type": "string"}}, "additionalProperties": false}`,
		func(s map[string]any) bool {
			properties, _ := s["properties"].(map[string]any)
			for name := range properties {
				if !claudeName.MatchString(name) {
					return false
				}
			}
			return true
		}},
}

var claudeName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// broken names the rules that a schema and those in it break, with the place.
func broken(at string, schema any) []string {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": is no object: a boolean schema, which Gemini and VS Code don't know"}
	}
	var list []string
	for _, rule := range portable {
		if !rule.holds(s) {
			list = append(list, fmt.Sprintf("%s: %s (%s)", at, rule.name, rule.hosts))
		}
	}
	if items, ok := s["items"]; ok {
		list = append(list, broken(at+"[]", items)...)
	}
	properties, _ := s["properties"].(map[string]any)
	for name, property := range properties {
		list = append(list, broken(at+"."+name, property)...)
	}
	return list
}

func TestPortableRules(t *testing.T) {
	for _, rule := range portable {
		var s any
		if err := json.Unmarshal([]byte(rule.broken), &s); err != nil {
			t.Fatal(err)
		}
		if found := broken("schema", s); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, ": "+rule.name+" (") }) {
			t.Errorf("%s breaks %q, found are %q", rule.broken, rule.name, found)
		}
	}
}

// TestPortable holds what is listed against the rules: every tool of the server, and one of an operator with every type and key.
func TestPortable(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		r := buildAll(t, registry.Config{DB: openDB(t, ""), ReadOnly: readOnly}, map[string]string{"own/every_type.sql": everyType, "own/no_params.sql": noParams})
		tools := r.Server("test").ListTools()
		if len(tools) < 30 {
			t.Errorf("%d tools, want all", len(tools))
		}
		for name, tool := range tools {
			var s any
			if err := json.Unmarshal(tool.Tool.RawInputSchema, &s); err != nil {
				t.Fatal(err)
			}
			if list := broken(name, s); list != nil {
				t.Errorf("read only %v: %s", readOnly, strings.Join(list, "\n"))
			}
			if !claudeName.MatchString(name) || len(name) > 40 {
				t.Errorf("the name %s: want letters, digits, _ and - (Claude), at most 40 (Cursor: 60 with the server's)", name)
			}
		}
	}
}

// TestSizeHint: Claude Code is asked for room for answers that have no pages.
func TestSizeHint(t *testing.T) {
	tools := buildAll(t, registry.Config{DB: openDB(t, "")}, nil).Server("test").ListTools()
	for name, want := range map[string]bool{"describe_table": true, "db_identity": true, "list_tables": false, "query": false} {
		meta := tools[name].Tool.Meta
		if got := meta != nil && meta.AdditionalFields["anthropic/maxResultSizeChars"] == 500_000; got != want {
			t.Errorf("%s has _meta %+v, want the hint: %v", name, meta, want)
		}
	}
}

// TestOutputSchemasAreOfOneType: the Inspector warns of lists of types, and of schemas that say nothing.
func TestOutputSchemasAreOfOneType(t *testing.T) {
	for name, tool := range buildAll(t, registry.Config{DB: openDB(t, "")}, nil).Server("test").ListTools() {
		var s any
		if len(tool.Tool.RawOutputSchema) == 0 {
			continue
		}
		if err := json.Unmarshal(tool.Tool.RawOutputSchema, &s); err != nil {
			t.Fatal(err)
		}
		ofOneType(t, name, s)
	}
}

func ofOneType(t *testing.T, at string, schema any) {
	t.Helper()
	s, _ := schema.(map[string]any)
	_, one := s["type"].(string)
	several, _ := s["anyOf"].([]any)
	if one == (several != nil) {
		t.Errorf("%s: %v, want one type, or anyOf", at, schema)
	}
	for i, each := range several {
		ofOneType(t, fmt.Sprintf("%s.anyOf[%d]", at, i), each)
	}
	if items, ok := s["items"]; ok {
		ofOneType(t, at+"[]", items)
	}
	properties, _ := s["properties"].(map[string]any)
	for name, property := range properties {
		ofOneType(t, at+"."+name, property)
	}
}

const noParams = "/*---\ndescription: Takes none.\n---*/\nSELECT 1 AS one"

// everyType has each type, each key of a parameter, examples and pages.
const everyType = `/*---
description: Every type and key.
params:
  - {name: choice, type: string, default: a, enum: [a, b], description: A letter.}
  - {name: empty, type: string, enum: ["", a]}
  - {name: word, type: string, min_length: 2, max_length: 5, pattern: "^[a-z]+$", examples: [abc, de], description: A word.}
  - {name: days, type: integer, minimum: 1, maximum: 30, default: 7, enum: [1, 7, 30], description: Days.}
  - {name: rate, type: number, minimum: 0.5, enum: [1, 1.5]}
  - {name: flag, type: boolean, default: true, enum: [true]}
  - {name: day, type: date, default: 2024-01-31, description: First day.}
  - {name: clock, type: time}
  - {name: local, type: timestamp}
  - {name: instant, type: timestamptz, default: "2024-01-31T09:30:00Z"}
  - {name: span, type: interval, enum: [P1D, P7D]}
  - {name: key, type: uuid, required: true}
  - {name: doc, type: json, default: {}, examples: [{colour: navy}], description: Attributes.}
  - {name: kind, type: json, enum: [a, {b: 1}]}
  - {name: choices, type: "string[]", default: [a], enum: [a, b], min_items: 1, max_items: 4}
  - {name: codes, type: "string[]", min_length: 1, pattern: "^x"}
  - {name: numbers, type: "integer[]", enum: [1, 2], default: [1], minimum: 0}
  - {name: rates, type: "number[]", maximum: 5}
  - {name: flags, type: "boolean[]"}
  - {name: dates, type: "date[]"}
  - {name: clocks, type: "time[]"}
  - {name: locals, type: "timestamp[]"}
  - {name: instants, type: "timestamptz[]"}
  - {name: spans, type: "interval[]"}
  - {name: keys, type: "uuid[]"}
  - {name: docs, type: "json[]", default: [{a: 1}]}
examples:
  - {description: The first., args: {key: f81d4fae-7dec-11d0-a765-00a0c91e6bf6, days: 7}}
page: {key: [n], size: 5, max: 10}
---*/
SELECT 1 AS n, @choice AS c1, @empty AS c2, @word AS c3, @days AS c4, @rate AS c5, @flag AS c6, @day AS c7, @clock AS c8, @local AS c9, @instant AS c10,
  @span AS c11, @key AS c12, @doc AS c13, @kind AS c14, @choices AS c15, @codes AS c16, @numbers AS c17, @rates AS c18, @flags AS c19, @dates AS c20,
  @clocks AS c21, @locals AS c22, @instants AS c23, @spans AS c24, @keys AS c25, @docs AS c26`

// TestDescriptions: what the schema of a parameter may not say is in its description.
func TestDescriptions(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, "")}, map[string]string{"own/every_type.sql": everyType})
	tool := r.Server("test").ListTools()["every_type"].Tool
	if want := "Every type and key.\nExample: {\"days\":7,\"key\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"} (The first)"; tool.Description != want {
		t.Errorf("description = %q, want %q", tool.Description, want)
	}
	var s struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal(tool.RawInputSchema, &s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"choice": `A letter. Default "a".`, "empty": `One of "", "a".`, "word": `A word. 2 to 5 characters. For example "abc", "de".`,
		"days": `Days. One of 1, 7, 30. Default 7.`, "rate": `One of 1, 1.5.`, "flag": `One of true. Default true.`,
		"day": `First day. A date such as 2024-01-31. Default "2024-01-31".`, "clock": `A time such as 09:30:00.`,
		"local": `A timestamp such as 2024-01-31T09:30:00.`, "instant": `Default "2024-01-31T09:30:00Z".`, "span": ``,
		"key": `A uuid such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6.`, "codes": `Not empty.`,
		"doc":  `Attributes. JSON text such as {"key": "value"}. For example {"colour":"navy"}. Default {}.`,
		"kind": `JSON text such as {"key": "value"}. One of "a", {"b":1}.`, "docs": `Each item JSON text such as {"key": "value"}. Default [{"a":1}].`,
		"choices": `Default ["a"].`, "numbers": `One of 1, 2. Default [1].`, "dates": `Each item a date such as 2024-01-31.`,
		"spans": `Each item an ISO 8601 duration such as P1DT2H.`, "page_size": `Default 5.`,
	} {
		if got := s.Properties[name].Description; got != want {
			t.Errorf("description of %s = %q, want %q", name, got, want)
		}
	}
}
