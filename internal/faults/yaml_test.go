package faults_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/faults"
)

// read reads a file with one key of each kind.
func read(text string) (*faults.File, map[string]any) {
	f := faults.NewFile("x.yaml", text)
	got := map[string]any{}
	root, ok := f.YAML(0, len(f.Text))
	if !ok || root == nil {
		return f, got
	}
	m, _ := f.Mapping(root, "the file", "title", "notes", "size", "least", "wait", "on", "kind", "names", "items")
	for key, value := range map[string]any{"title": m.Text("title"), "notes": m.Prose("notes"), "size": m.Number("size"),
		"wait": m.Duration("wait"), "on": m.Flag("on", false), "kind": m.Choice("kind", "small", "large"), "names": m.Names("names")} {
		if m.Has(key) {
			got[key] = value
		}
	}
	if least := m.Count("least", 0); least != nil {
		got["least"] = *least
	}
	if items := m.List("items"); m.Has("items") {
		got["items"] = len(items)
	}
	f.Faults.Sort()
	return f, got
}

func TestYAML(t *testing.T) {
	f, got := read("\ufefftitle: 2024-01-31\nnotes: >\n  two\n  lines\nsize: 5\nleast: 0\nwait: 10s\non: True\nkind: large\nnames: [a, \"b c\"]\nitems: []\n")
	want := map[string]any{"title": "2024-01-31", "notes": "two lines", "size": 5, "least": 0, "wait": 10 * time.Second, "on": true,
		"kind": "large", "names": []string{"a", "b c"}, "items": 0}
	if diff := cmp.Diff(want, got); diff != "" || f.Faults != nil {
		t.Errorf("a file without faults has %v, and its values differ (-want +got):\n%s", f.Faults, diff)
	}
	for _, text := range []string{"", "\n\n", "# a comment\n"} {
		if root, ok := faults.NewFile("x.yaml", text).YAML(0, len(text)); root != nil || !ok {
			t.Errorf("YAML(%q) = %v, %v, want no document and no fault", text, root, ok)
		}
	}
}

func TestYAMLFaults(t *testing.T) {
	const keys = "title, notes, size, least, wait, on, kind, names or items"
	tests := []struct{ name, text, want string }{
		{"text with a colon", "title: Orders: all of them\n",
			`x.yaml:1:1: YAML syntax: mapping values are not allowed in this context: a text with ": " in it needs quotes`},
		{"text with a colon, in braces", "{title: a: b}\n", `x.yaml:1:1: YAML syntax: did not find expected ',' or '}': the list or mapping is not closed; a text with a comma, a colon, a bracket, a quote or # in it needs quotes`},
		{"text with a comma, in braces", "{title: Open, unpaid orders}\n",
			`x.yaml:1:15: unknown key "unpaid orders" in the file: want ` + keys + "; a text with a comma in it needs quotes"},
		{"text that starts with #", "title: #1\n", `x.yaml:1:7: title is null: want text; a text with # in it needs quotes`},
		{"text with #, in braces", "{title: order #1}\nsize: 1\n",
			"x.yaml:2:1: YAML syntax: did not find expected ',' or '}': the list or mapping is not closed; a text with a comma, a colon, a bracket, a quote or # in it needs quotes"},
		{"text that starts with @", "title: @name\n",
			"x.yaml:1:1: YAML syntax: found character that cannot start any token: want blanks to indent, not tabs; a text that starts with @, % or ` needs quotes"},
		{"text that starts with a bracket", "title: [a\n",
			"x.yaml:2:1: YAML syntax: did not find expected ',' or ']': the list or mapping is not closed; a text with a comma, a colon, a bracket, a quote or # in it needs quotes"},
		{"list without an end", "names: [", "x.yaml:1:1: YAML syntax: did not find expected node content: the list or mapping is not closed; a text that starts with a bracket or a comma needs quotes"},
		{"tab", "title: a\n\tsize: 1\n", "x.yaml:2:1: YAML syntax: found a tab character that violates indentation: want blanks to indent, not tabs"},
		{"quote without an end", "title: \"a\nsize: 1\n", "x.yaml:3:1: YAML syntax: found unexpected end of stream: a quote is not closed"},
		{"text after a quote", "title: \"a\" b\nsize: 1\n", "x.yaml:1:1: YAML syntax: did not find expected key: want the items of a list, and the keys of a mapping, indented alike; a text with quotes in it needs quotes around all of it"},
		{"line without a key", "title: a\nb\nsize: 1\n", "x.yaml:2:1: YAML syntax: could not find expected ':': want key: value, and a text of several lines after | or indented"},
		{"alias", "title: &t a\nnotes: *t\n", "x.yaml:1:8: YAML anchor &t: want the value without it\nx.yaml:2:8: YAML alias *t: want the value itself"},
		{"tag", "title: !!str 5\n", "x.yaml:1:8: YAML tag !!str: want the value without it"},
		{"merge key", "<<: {title: a}\n", "x.yaml:1:1: YAML merge key <<: want the keys themselves"},
		{"documents", "title: a\n---\ntitle: b\n", "x.yaml:2:1: second YAML document: want one"},
		{"carriage return", "title: a\rsize: 1\n", `x.yaml:1:9: lone carriage return: want lines to end with \n or \r\n`},
		{"control character", "title: ä\u0085b\n", "x.yaml:1:9: control character U+0085: want text"},
		{"no mapping", "- a\n", "x.yaml:1:1: the file is a list: want keys and values (" + keys + ")"},
		{"unknown key", "titel: a\n", `x.yaml:1:1: unknown key "titel" in the file: did you mean "title"? want ` + keys},
		{"key twice", "size: 1\nsize: 2\n", `x.yaml:2:1: key "size" is in the file twice: want it once`},
		{"key that is a list", "[a]: 1\n", "x.yaml:1:1: a key of the file is a list: want a name"},
		{"number for a text", "title: 5\n", `x.yaml:1:8: title is the number 5: want text, in quotes: "5"`},
		{"blank text", "title: ' '\n", "x.yaml:1:8: title is blank: want text"},
		{"zero byte", "title: \"a\\0b\"\n", "x.yaml:1:8: title holds a zero byte: want text"},
		{"text for a number", "size: many\n", `x.yaml:1:7: size is "many": want a whole number from 1 to 999999999`},
		{"number with a sign", "least: -1\n", "x.yaml:1:8: least is the number -1: want a whole number from 0 to 999999999"},
		{"number for a duration", "wait: 10\n", "x.yaml:1:7: wait is the number 10: want a duration from 1ms to 24h, such as 10s"},
		{"long duration", "wait: 25h\n", `x.yaml:1:7: wait is "25h": want a duration from 1ms to 24h, such as 10s`},
		{"text for a flag", "on: 'true'\n", `x.yaml:1:5: on is "true": want true or false`},
		{"unknown word", "kind: huge\n", `x.yaml:1:7: kind "huge": want small or large`},
		{"list for a word", "kind: []\n", "x.yaml:1:7: kind is a list: want small or large"},
		{"long text for a list", "names: " + strings.Repeat("ä", 70) + "\n", `x.yaml:1:8: names is "` + strings.Repeat("ä", 57) + `"...: want a list`},
		{"text for a list", "names: a\n", `x.yaml:1:8: names is "a": want a list`},
		{"empty list", "names: []\n", "x.yaml:1:8: names is an empty list: want at least one item"},
		{"item twice", "names: [a, a]\n", `x.yaml:1:12: names holds "a" twice: want it once`},
		{"item that is a number", "names: [a, 1]\n", `x.yaml:1:12: names holds the number 1: want text, in quotes: "1"`},
	}
	for _, test := range tests {
		f, _ := read(test.text)
		if diff := cmp.Diff(test.want, f.Faults.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestIsText(t *testing.T) {
	tests := []struct{ text, want string }{
		{"ok\n", ""},
		{strings.Repeat("a", 41), "x:1:1: file is larger than 40 bytes: want less"},
		{"a\nö\xffb", "x:2:2: invalid UTF-8: want UTF-8 text"},
		{"a\ufffdb\x00", "x:1:4: zero byte: want text"},
	}
	for _, test := range tests {
		f := faults.NewFile("x", test.text)
		if ok := f.IsText(40); f.Faults.Error() != test.want || ok != (test.want == "") {
			t.Errorf("IsText of %q = %v with %q, want %q", test.text, ok, f.Faults, test.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"orders", "customers"}
	for word, want := range map[string]string{"order": `: did you mean "orders"?`, "zzz": ": want orders or customers"} {
		if got := faults.Suggest(word, names); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := faults.Suggest("a", nil); got != "" {
		t.Errorf("Suggest with no names = %q, want nothing", got)
	}
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := faults.OneOf(words); got != want {
			t.Errorf("OneOf(%q) = %q, want %q", words, got, want)
		}
	}
}
