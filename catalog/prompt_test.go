package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mcp-postgres/catalog"
)

const goodPrompt = `---
title: Ask
description: Asks.
arguments:
  - {name: what, required: true, description: The thing.}
  - {name: size, enum: [small, large]}
  - {name: schema, names: schema}
roles: [analyst]
---
About {{what}} in {{ schema }}: {{size}}{{what}}.
`

func TestParsePrompt(t *testing.T) {
	p, faults := catalog.ParsePrompt("prompts/ask.md", []byte(goodPrompt))
	if len(faults) > 0 {
		t.Fatalf("ParsePrompt: %v", faults)
	}
	if got, want := p.Text(map[string]string{"what": "{{size}} $1 a", "schema": "shop"}), "About {{size}} $1 a in shop: {{size}} $1 a."; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
	text := catalog.Type{Scalar: catalog.String}
	want := []catalog.Param{{Name: "what", Type: text, Description: "The thing.", Required: true},
		{Name: "size", Type: text, Enum: []any{"small", "large"}}, {Name: "schema", Type: text, Names: "schema"}}
	if diff := cmp.Diff(want, p.Arguments, cmpopts.IgnoreUnexported(catalog.Param{})); diff != "" {
		t.Errorf("Arguments (-want +got):\n%s", diff)
	}
}

func TestPromptFaults(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"no front matter", "ask.md", "Hello", "ask.md:1:1: no front matter: want --- on the first line"},
		{"open", "ask.md", "---\ndescription: x\n", "ask.md:1:1: front matter is not closed: want --- on a line of its own"},
		{"no description", "ask.md", "---\ntitle: x\n---\nHello", "ask.md:1:1: description is missing: want what the prompt is for"},
		{"no text", "ask.md", "---\ndescription: x\n---\n \n", "ask.md:4:1: no text below the front matter: want what the prompt says"},
		{"file name", "Ask it.md", "---\ndescription: x\n---\nHello", `Ask it.md:1:1: file name "Ask it": want ^[a-z][a-z0-9_]{0,63}$`},
		{"unknown key", "ask.md", "---\ndescription: x\nargs: []\n---\nHello",
			`ask.md:3:1: unknown key "args" in the front matter: want title, description, arguments or roles`},
		{"undeclared", "ask.md", "---\ndescription: x\narguments: [{name: what}]\n---\nHello {{what}}\n{{waht}}",
			`ask.md:6:1: {{waht}} is no argument: did you mean "what"?`},
		{"unused", "ask.md", "---\ndescription: x\narguments: [{name: what}]\n---\nHello", `ask.md:1:1: argument "what" is not used: want {{what}} in the text`},
		{"twice", "ask.md", "---\ndescription: x\narguments: [{name: a}, {name: a}]\n---\n{{a}}", `ask.md:3:31: argument "a" is here twice: want it once`},
		{"names", "ask.md", "---\ndescription: x\narguments: [{name: a, names: tables}]\n---\n{{a}}",
			`ask.md:3:30: names "tables": want table, schema, column or function`},
		{"complete", "ask.md", "---\ndescription: x\narguments: [{name: a, complete: table}]\n---\n{{a}}",
			`ask.md:3:23: unknown key "complete" in an argument: want name, description, required, enum or names`},
	}
	for _, test := range tests {
		p, faults := catalog.ParsePrompt(test.file, []byte(test.text))
		if p != nil || len(faults) != 1 || faults[0].String() != test.want {
			t.Errorf("%s: faults %v, want %s", test.name, faults, test.want)
		}
	}
}

func TestLoadPrompts(t *testing.T) {
	first := fstest.MapFS{"prompts/ask.md": {Data: []byte(goodPrompt)}, "prompts/other.md": {Data: []byte("---\ndescription: first\n---\nHello")}}
	second := fstest.MapFS{"prompts/other.md": {Data: []byte("---\ndescription: second\n---\nHello")}, "prompts/README.txt": {Data: []byte("x")}}
	prompts, err := catalog.LoadPrompts(catalog.Source{FS: first}, catalog.Source{Name: "own", FS: second}, catalog.Source{Name: "none", FS: fstest.MapFS{}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range prompts {
		got = append(got, p.Name+" "+p.Description+" "+p.Path)
	}
	if diff := cmp.Diff([]string{"ask Asks. prompts/ask.md", "other second own/prompts/other.md"}, got); diff != "" {
		t.Errorf("LoadPrompts (-want +got):\n%s", diff)
	}
	second["prompts/bad.md"] = &fstest.MapFile{Data: []byte("x")}
	if _, err := catalog.LoadPrompts(catalog.Source{Name: "own", FS: second}); err == nil || !strings.HasPrefix(err.Error(), "own/prompts/bad.md:1:1: ") {
		t.Errorf("LoadPrompts with a bad file = %v, want its fault", err)
	}
}
