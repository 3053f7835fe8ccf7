package pgtext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"mcp-postgres/internal/pgtext"
)

func TestIdentifier(t *testing.T) {
	tests := []struct {
		parts []string
		want  string
	}{
		{[]string{"orders"}, `"orders"`},
		{[]string{"shop", "Order items"}, `"shop"."Order items"`},
		{[]string{"", "orders"}, `"orders"`},
		{[]string{`a"; DROP TABLE x; --`}, `"a""; DROP TABLE x; --"`},
		{[]string{"größe"}, `"größe"`},
		{nil, ""},
	}
	for _, test := range tests {
		got := pgtext.Identifier(test.parts...)
		if got != test.want {
			t.Errorf("Identifier(%q) = %s, want %s", test.parts, got, test.want)
		}
		if len(test.parts) == 1 && pgtext.Unquote(got) != test.parts[0] {
			t.Errorf("Unquote(%s) = %q, want %q", got, pgtext.Unquote(got), test.parts[0])
		}
	}
	for _, text := range []string{"", `"`, "orders", `"orders`, `orders"`} {
		if got := pgtext.Unquote(text); got != text {
			t.Errorf("Unquote(%s) = %q, want it unchanged", text, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	tests := map[string]string{
		"":                `''`,
		"it's":            `'it''s'`,
		`C:\new`:          `E'C:\\new'`,
		`\'; DROP TABLE`:  `E'\\''; DROP TABLE'`,
		"two\nlines, $1 ": "'two\nlines, $1 '",
	}
	for text, want := range tests {
		if got := pgtext.Literal(text); got != want {
			t.Errorf("Literal(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestArray(t *testing.T) {
	tests := []struct {
		items []string
		want  string
	}{
		{nil, `{}`},
		{[]string{"a"}, `{"a"}`},
		{[]string{"", "NULL", "a,b", `say "x"`, `back\slash`, "{}"}, `{"","NULL","a,b","say \"x\"","back\\slash","{}"}`},
	}
	for _, test := range tests {
		if got := string(pgtext.Array(test.items)); got != test.want {
			t.Errorf("Array(%q) = %s, want %s", test.items, got, test.want)
		}
	}
	if got := string(pgtext.AppendItem([]byte("{"), nil)); got != "{NULL" {
		t.Errorf("AppendItem(nil) = %s, want {NULL", got)
	}
}

func TestOIDs(t *testing.T) {
	for want, oids := range map[string][]uint32{"{}": nil, "{16384}": {16384}, "{4294967295,0,7}": {4294967295, 0, 7}} {
		if got := string(pgtext.OIDs(oids)); got != want {
			t.Errorf("OIDs(%v) = %s, want %s", oids, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		text  string
		limit int
		want  string
	}{
		{"plain", 5, "plain"},
		{"plain", 3, "pla"},
		{"aé", 2, "a"},
		{"a€", 3, "a"},
		{"a😀b", 4, "a"},
		{"a😀b", 5, "a😀"},
		{"é", 1, ""},
		{"é", 0, ""},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80"}, // no character at all: at most three bytes are given up
	}
	for _, test := range tests {
		if got := pgtext.Cut(test.text, test.limit); got != test.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", test.text, test.limit, got, test.want)
		}
		if got := pgtext.Cut([]byte(test.text), test.limit); string(got) != test.want {
			t.Errorf("Cut(%q as bytes, %d) = %q, want %q", test.text, test.limit, got, test.want)
		}
	}
	for text, want := range map[string]string{"short": "short", "eleven byte": "eleven byte", "twelve bytes": "twelve b...", "größer als elf": "größer..."} {
		if got := pgtext.Shorten(text, 11); got != want {
			t.Errorf("Shorten(%q, 11) = %q, want %q", text, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{"a < b & c > d", `"a < b & c > d"`},
		{[]any{json.Number("1.50"), true, nil}, `[1.50,true,null]`},
		{map[string]any{"b": 1, "a": "\n"}, `{"a":"\n","b":1}`},
		{func() {}, "null"},
	}
	for _, test := range tests {
		if got := pgtext.JSON(test.value); got != test.want {
			t.Errorf("JSON(%v) = %s, want %s", test.value, got, test.want)
		}
	}
}

// texts are hard to write as JSON.
var texts = []string{
	"", "plain", `"`, `\`, "\n\r\t\x00\x1f\x7f", "é€😀\u2028", "\xff", "a\xc3", "\xc3\x28", "\xed\xa0\x80", "<script>&",
	"t", "-1", `{"a":}`, `{"\`, "a\xffb", "\"\xff\"", `{"a":"` + "\xff" + `"}`, strings.Repeat("[", 20000), strings.Repeat("\\\"", 500),
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	got := pgtext.AppendJSON([]byte("x"), text)
	if string(got) != string(pgtext.AppendJSON([]byte("x"), []byte(text))) {
		t.Errorf("AppendJSON(%q) differs for string and []byte", text)
	}
	var back string
	if err := json.Unmarshal(got[1:], &back); err != nil || !utf8.Valid(got) {
		t.Fatalf("AppendJSON(%q) = %q: %v", text, got, err)
	}
	if want := string([]rune(text)); back != want { // of invalid UTF-8, each byte is U+FFFD
		t.Errorf("AppendJSON(%q) reads back as %q", text, back)
	}
	if size, want := pgtext.JSONSize(text), len(got)-len(`x""`); size != want {
		t.Errorf("JSONSize(%q) = %d, want %d", text, size, want)
	}
}

func TestAppendJSON(t *testing.T) {
	for _, text := range texts {
		checkJSON(t, text)
	}
	for a := range 256 {
		for b := range 256 {
			checkJSON(t, string([]byte{byte(a), byte(b)}))
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(checkJSON)
}
