package postgres_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// kinds are all of them, and what PostgreSQL never sends but AppendJSON must bear.
var kinds = []postgres.Kind{
	postgres.Text, postgres.Bool, postgres.Int, postgres.BigInt, postgres.Float, postgres.Numeric, postgres.JSON,
	postgres.Date, postgres.Timestamp, postgres.Timestamptz, postgres.UUID, postgres.Bytea,
}

// odd are texts that some kind does not expect: the settings of the session changed by the statement, or no sense at
// all.
var odd = []string{
	"", "t", "true", "-", "-1", "01", "1.", ".5", "1e", "1e+", "1e5", "1x", "x1", "--1", "1-1", "0x10", "+1", "NaN", "-Infinity", "1,2", "1}",
	"29.02.2024 12:34:56 UTC", "02/29/2024 12:34:56", "Thu Feb 29 12:34:56 2024 UTC", `2024-02-29 "`, "2024-02-29 12:34:56+", " ", "  ", "1 -00",
	`\x`, `\x0`, `\xzz`, `\000`, `\x` + strings.Repeat("ab", 3000), `\x` + strings.Repeat("ab", 3000) + "zz",
	"{", "}", "{}", "{}}", "{{}", "{1", "{1,", "{1,}", "{,1}", `{"`, `{"\`, `{"a\`, `{"a"b}`, "{a{b}}", "{{{{{{{1}}}}}}}", "[", "[0:1]", "[0:1]={1,2}", "[x{1}",
	"[1", `{"a":}`, "nul", "\xff", "\xc3", "a\xffb", "\"\xff\"", "\x00", "\u2028", `{"a":"` + "\xff" + `"}`, "123456789012345678901", "1e999999",
	strings.Repeat("[", 20000), strings.Repeat("[", 20000) + strings.Repeat("]", 20000), strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600),
}

func TestAppendJSONBearsAnything(t *testing.T) {
	for _, text := range odd {
		for _, kind := range kinds {
			checkJSON(t, kind, text)
		}
	}
}

// checkJSON writes text as a value of a kind, of arrays of it and of an array of arrays (those of a domain).
func checkJSON(t *testing.T, kind postgres.Kind, text string) {
	t.Helper()
	elem := &postgres.Type{Kind: kind}
	array := &postgres.Type{Kind: postgres.Array, Elem: elem, Delim: ','}
	for _, typ := range []*postgres.Type{elem, array, {Kind: postgres.Array, Elem: elem, Delim: ';'}, {Kind: postgres.Array, Elem: array, Delim: ','}} {
		const before = `["kept",`
		got := string(typ.AppendJSON([]byte(before), []byte(text))) + "]"
		if !strings.HasPrefix(got, before) || !json.Valid([]byte(got)) || !utf8.ValidString(got) {
			t.Errorf("AppendJSON(%.100q) of kind %d (item %d) = %.100q, which is not JSON", text, typ.Kind, kind, got)
		}
		for _, limit := range []int{1, 2, 5, 100} {
			out, cut := typ.AppendCut([]byte(before), []byte(text), limit)
			if got = string(out) + "]"; !strings.HasPrefix(got, before) || !json.Valid([]byte(got)) || !utf8.ValidString(got) || cut.Kept > cut.Of {
				t.Errorf("AppendCut(%.100q, %d) of kind %d (item %d) = %.100q, %+v, which is not JSON", text, limit, typ.Kind, kind, got, cut)
			}
		}
	}
}

func TestAppendJSONTexts(t *testing.T) {
	tests := []struct {
		kind       postgres.Kind
		text, want string
	}{
		{postgres.Bool, "maybe", `"maybe"`},
		{postgres.Int, "1x", `"1x"`},
		{postgres.Float, "1e5", "1e5"},
		{postgres.Float, "1.", `"1."`},
		{postgres.Numeric, "007", `"007"`},
		{postgres.Timestamp, "29.02.2024 12:34:56 UTC", `"29.02.2024 12:34:56 UTC"`},
		{postgres.Bytea, `\000`, `"\\000"`},
		{postgres.Bytea, `\xzz`, `"\\xzz"`},
		{postgres.JSON, `{"a": "` + "\xff" + `"}`, `{"a":"` + "\ufffd" + `"}`},
		{postgres.JSON, "[1,", `"[1,"`},
		{postgres.Text, "a\xff\xc3b", `"a` + "\ufffd\ufffd" + `b"`},
	}
	for _, test := range tests {
		if got := string((&postgres.Type{Kind: test.kind}).AppendJSON(nil, []byte(test.text))); got != test.want {
			t.Errorf("AppendJSON(%q) of kind %d = %s, want %s", test.text, test.kind, got, test.want)
		}
	}
}

// TestAppendJSONAllocates counts what the values of a large answer cost.
func TestAppendJSONAllocates(t *testing.T) {
	array := func(kind postgres.Kind) *postgres.Type {
		return &postgres.Type{Kind: postgres.Array, Elem: &postgres.Type{Kind: kind}, Delim: ','}
	}
	tests := []struct {
		typ  *postgres.Type
		text string
		most float64
	}{
		{&postgres.Type{Kind: postgres.Text}, "a \"b\" é\n", 0},
		{&postgres.Type{Kind: postgres.Bool}, "t", 0},
		{&postgres.Type{Kind: postgres.Int}, "-123", 0},
		{&postgres.Type{Kind: postgres.BigInt}, "9007199254740993", 0},
		{&postgres.Type{Kind: postgres.Float}, "1.5e-07", 0},
		{&postgres.Type{Kind: postgres.Numeric}, "1234567890.123456789", 0},
		{&postgres.Type{Kind: postgres.Timestamptz}, "2024-02-29 12:34:56.123456+00", 0},
		{&postgres.Type{Kind: postgres.Bytea}, `\x` + strings.Repeat("00", 2000), 0},
		{&postgres.Type{Kind: postgres.JSON}, `{"a": [1, 2]}`, 1},
		{array(postgres.Int), "{1,2,NULL,3}", 1},
		{array(postgres.Text), `{a,"b c","d\"e","f\\g"}`, 2},
	}
	dst := make([]byte, 0, 1<<16)
	for _, test := range tests {
		text := []byte(test.text)
		if got := testing.AllocsPerRun(100, func() { test.typ.AppendJSON(dst, text) }); got > test.most {
			t.Errorf("AppendJSON(%.40q) allocates %v times, want at most %v", text, got, test.most)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range kinds {
			checkJSON(t, kind, text)
		}
	})
}

// FuzzArrayItems quotes items as PostgreSQL does and wants them back.
func FuzzArrayItems(f *testing.F) {
	for i := range odd {
		f.Add(odd[i], odd[len(odd)-1-i])
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	typ := &postgres.Type{Kind: postgres.Array, Elem: &postgres.Type{}, Delim: ','}
	f.Fuzz(func(t *testing.T, a, b string) {
		text := `[0:1][5:6]={{"` + escape.Replace(a) + `",NULL},{x,"` + escape.Replace(b) + `"}}`
		want := pgtext.AppendJSON([]byte("[["), a)
		want = pgtext.AppendJSON(append(want, `,null],["x",`...), b)
		if got := typ.AppendJSON(nil, []byte(text)); string(got) != string(want)+"]]" {
			t.Errorf("AppendJSON(%q) = %s, want %s]]", text, got, want)
		}
	})
}

// TestInvalidUTF8 reads bytes that a database without an encoding has let in.
func TestInvalidUTF8(t *testing.T) {
	admin := pgtest.URL(t)
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_ascii"
	name := u.Path[1:]
	pgtest.Exec(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	db := open(t, u.String())
	tests := []struct{ sql, want string }{
		{`SELECT E'a\xff\xe9b'`, `["a` + "\ufffd\ufffd" + `b"]`},
		{`SELECT ARRAY[E'\xff,']`, `[["` + "\ufffd" + `,"]]`},
		{`SELECT E'{"a": "\xff"}'::json`, `[{"a":"` + "\ufffd" + `"}]`},
		{`SELECT E'\xc3\xa9'`, `["é"]`},
		{`SELECT 'é', length('é')`, `["é",2]`},
	}
	for _, test := range tests {
		var got rows
		_, err := db.Run(t.Context(), postgres.Call{SQL: test.sql, Untrusted: true, Write: true}, &got)
		if err != nil || len(got.json) != 1 || got.json[0] != test.want {
			t.Errorf("%s = %s, %v; want %s", test.sql, got.json, err, test.want)
		}
	}
}

func TestSessionTimeZone(t *testing.T) {
	address := pgtest.URL(t)
	hostile(t, address)
	tests := []struct{ zone, sql, want string }{
		{"", "'2024-07-01 12:00+00'::timestamptz", `"2024-07-01T12:00:00+00:00"`},
		{"Asia/Kolkata", "'2024-07-01 12:00+00'::timestamptz", `"2024-07-01T17:30:00+05:30"`},
		{"Asia/Kolkata", "'1900-01-01 00:00+00'::timestamptz", `"1900-01-01T05:21:10+05:21:10"`},
		{"Asia/Kolkata", "'0044-03-15 12:00+00 BC'::timestamptz", `"0044-03-15T17:53:28+05:53:28 BC"`},
		{"America/St_Johns", "'2024-01-01 00:00:00.5+00'::timestamptz", `"2023-12-31T20:30:00.5-03:30"`},
		{"America/New_York", "ARRAY['2024-07-01 12:00+00'::timestamptz, 'infinity']", `["2024-07-01T08:00:00-04:00","infinity"]`},
		{"America/New_York", "'294276-12-31 12:00+00'::timestamptz", `"294276-12-31T07:00:00-05:00"`},
		{"Europe/Paris", "'1900-01-01 00:00+00'::timestamptz", `"1900-01-01T00:09:21+00:09:21"`},
		{"Pacific/Kiritimati", "'2024-01-01 00:00+00'::timestamptz::timestamp", `"2024-01-01T14:00:00"`},
	}
	for _, test := range tests {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if test.zone != "" {
			q := u.Query()
			q.Set("timezone", test.zone)
			u.RawQuery = q.Encode()
		}
		got, _ := run(t, open(t, u.String()), postgres.Call{SQL: "SELECT v, to_json(v) FROM (SELECT " + test.sql + " AS v) s"})
		if want := "[" + test.want + "," + test.want + "]"; got.json[0] != want {
			t.Errorf("%s in %q, and by to_json = %s, want %s", test.sql, test.zone, got.json[0], want)
		}
	}
}
