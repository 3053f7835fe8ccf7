package postgres_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// value is a value of PostgreSQL and the JSON that it must be written as.
type value struct {
	at, typ, sql, want string
	// differs says why to_json writes another thing; empty means that it must not.
	differs string
}

// computed are the values that are too long or too invisible for testdata/values.
var computed = []value{
	{typ: "numeric", sql: "('1' || repeat('0', 998) || '7')::numeric", want: `"1` + strings.Repeat("0", 998) + `7"`},
	{typ: "numeric", sql: "('0.' || repeat('3', 1000))::numeric", want: `"0.` + strings.Repeat("3", 1000) + `"`},
	{typ: "numeric", sql: "'1e308'::numeric", want: `"1` + strings.Repeat("0", 308) + `"`},
	{typ: "numeric", sql: "'1e-400'::numeric", want: `"0.` + strings.Repeat("0", 399) + `1"`},
	{typ: "text", sql: `E'\x7f\u0080\u0085\u2028\u2029\ufeff\ufffd\U0010ffff'`, want: "\"\x7f\u0080\u0085\u2028\u2029\ufeff\ufffd\U0010ffff\""},
	{typ: "text", sql: "(SELECT string_agg(chr(i), '' ORDER BY i) FROM generate_series(1, 31) i)", want: `"` +
		`\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\t\n\u000b\u000c\r\u000e\u000f` +
		`\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"`},
	{typ: "text[]", sql: `ARRAY[E'\u00a0', E'\u2028 x', E'\x0b', E'\x7f']`, want: "[\"\u00a0\",\"\u2028 x\",\"\\u000b\",\"\x7f\"]"},
	{typ: "bytea", sql: "decode(repeat('00', 30000), 'hex')", want: `"` + strings.Repeat("A", 40000) + `"`, differs: "it writes hex"},
	{typ: "json", sql: `E'"\x7f\u2028"'::json`, want: "\"\x7f\u2028\""},
	{typ: "json", sql: "(repeat('[', 500) || repeat(']', 500))::json", want: strings.Repeat("[", 500) + strings.Repeat("]", 500)},
	{typ: "json", sql: "(repeat('[', 501) || repeat(']', 501))::json", want: `"` + strings.Repeat("[", 501) + strings.Repeat("]", 501) + `"`,
		differs: "it nests without bound"},
	{typ: "json", sql: `('["' || repeat('[', 501) || '\"", {}]')::json`, want: `["` + strings.Repeat("[", 501) + `\"",{}]`},
	{typ: "jsonb", sql: "(SELECT jsonb_agg(json_build_array(i)) FROM generate_series(1, 600) i)", want: "own json"},
}

// readValues reads testdata/values: under a header "[type]", optionally with the reason why to_json differs, lines
// "literal => JSON" or "sql: expression => JSON".
func readValues(t *testing.T) []value {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/values: %d files, %v", len(files), err)
	}
	list := computed
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var block value
		for i, line := range strings.Split(string(text), "\n") {
			at := fmt.Sprintf("%s:%d", file, i+1)
			cut := strings.LastIndex(line, " => ")
			switch {
			case cut >= 0:
				list = append(list, block.line(at, line[:cut], line[cut+len(" => "):]))
			case strings.HasPrefix(line, "["):
				end := strings.LastIndex(line, "]")
				block.typ, block.differs = line[1:end], line[end+1:]
			case line != "" && line[0] != '#':
				t.Fatalf("%s: want [type], # or =>", at)
			}
		}
	}
	return list
}

// line makes a value of the type of v.
func (v value) line(at, input, want string) value {
	v.at, v.want = at, want
	sql, ok := strings.CutPrefix(input, "sql: ")
	if !ok {
		sql = "'" + strings.ReplaceAll(input, "'", "''") + "'::" + v.typ
	}
	v.sql = sql
	return v
}

// newValuesDB makes a database with the types of testdata/values and whatever extensions there are.
func newValuesDB(t *testing.T) string {
	t.Helper()
	address := pgtest.URL(t)
	setup, err := os.ReadFile("testdata/values/setup.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, address, string(setup))
	for _, name := range []string{"hstore", "citext", "ltree", "cube"} {
		if pgtest.HasExtension(t, address, name) {
			pgtest.Exec(t, address, "CREATE EXTENSION "+name)
		}
	}
	return address
}

// hostile changes every setting of the database that could change how values are written.
func hostile(t *testing.T, address string) {
	t.Helper()
	name := pgtest.Value(t, address, "SELECT current_database()")
	for _, setting := range []string{
		"DateStyle = 'German, DMY'", "IntervalStyle = iso_8601", "TimeZone = 'Asia/Kolkata'", "bytea_output = escape", "extra_float_digits = 0",
		"standard_conforming_strings = off", "client_encoding = LATIN1", "escape_string_warning = off",
	} {
		pgtest.Exec(t, address, "ALTER DATABASE "+name+" SET "+setting)
	}
	if got := pgtest.Value(t, address, `SELECT '2024-02-29'::date || ' ' || '1 day'::interval || ' ' || '\\x00'::bytea`); got != `29.02.2024 P1D \000` {
		t.Fatalf("the settings of the database have no effect: %q", got)
	}
}

func TestValues(t *testing.T) {
	list := readValues(t)
	for _, settings := range []string{"usual", "hostile"} {
		t.Run(settings, func(t *testing.T) {
			address := newValuesDB(t)
			if settings == "hostile" {
				hostile(t, address)
			}
			db, seen := open(t, address), map[uint32]bool{}
			for _, v := range list {
				t.Run(v.typ, func(t *testing.T) { v.check(t, db, seen) })
			}
			checkComplete(t, db, seen)
		})
	}
}

// check compares one value, and arrays of it, with what is wanted, and with PostgreSQL's own ways to write it.
func (v value) check(t *testing.T, db *postgres.DB, seen map[uint32]bool) {
	info, _ := run(t, db, postgres.Call{SQL: "SELECT typarray FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype($1)", Args: texts(v.typ)})
	if len(info.json) == 0 {
		t.Skipf("%s: the server has no type %s", v.at, v.typ)
	}
	query := v.sql
	if v.typ != "void" {
		query = fmt.Sprintf("v, format('%%s', v), to_json(v)::text FROM (SELECT %s AS v) s", v.sql)
	}
	got := v.query(t, db, query, seen)
	if v.typ != "void" {
		v.compare(t, got)
	}
	if info.json[0] == "[0]" || got.cols[0].Type.Kind == postgres.Array || strings.HasPrefix(v.want, "own") {
		return
	}
	arrays := v.query(t, db, fmt.Sprintf("ARRAY[v, NULL], ARRAY[ARRAY[v], ARRAY[v]] FROM (SELECT %s AS v) s", v.sql), seen)
	if want := fmt.Sprintf("[[%s,null],[[%[1]s],[%[1]s]]]", v.want); arrays.json[0] != want {
		t.Errorf("%s: arrays of %s = %s, want %s", v.at, v.sql, arrays.json[0], want)
	}
}

// query selects and notes the types of the answer.
func (v value) query(t *testing.T, db *postgres.DB, columns string, seen map[uint32]bool) *rows {
	t.Helper()
	got, _ := run(t, db, postgres.Call{SQL: "SELECT " + columns})
	for _, c := range got.cols {
		seen[c.Type.OID] = true
	}
	if !json.Valid([]byte(got.json[0])) {
		t.Fatalf("%s: %s = %s, which is not JSON", v.at, v.sql, got.json[0])
	}
	return got
}

// compare looks at the columns value, own text, to_json.
func (v value) compare(t *testing.T, got *rows) {
	t.Helper()
	var columns []json.RawMessage
	if err := json.Unmarshal([]byte(got.json[0]), &columns); err != nil {
		t.Fatal(err)
	}
	text := string(columns[0])
	if !strings.HasPrefix(v.want, "own") && text != v.want {
		t.Errorf("%s: %s = %s, want %s", v.at, v.sql, text, v.want)
	}
	if text == "null" {
		return
	}
	if own := string(columns[1]); got.cols[0].Type.Kind == postgres.Text && text != own {
		t.Errorf("%s: %s = %s, but its text is %s", v.at, v.sql, text, own)
	}
	var like string
	if err := json.Unmarshal(columns[2], &like); err != nil {
		t.Fatal(err)
	}
	if v.differs == "" && !reflect.DeepEqual(decode(t, text), decode(t, like)) {
		t.Errorf("%s: %s = %s, but to_json writes %s", v.at, v.sql, text, like)
	}
}

// decode reads JSON; a number and a string with its digits come out equal.
func decode(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// checkComplete finds the types of this server that testdata/values says nothing of.
func checkComplete(t *testing.T, db *postgres.DB, seen map[uint32]bool) {
	t.Helper()
	const builtin = `SELECT t.oid, t.oid::regtype::text FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory IN ('A', 'P')
		WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.oid < 16384 AND e.typtype IS DISTINCT FROM 'c'
		AND (t.typtype IN ('b', 'r', 'm') OR t.typname IN ('void', 'record', '_record', 'cstring')) ORDER BY 2`
	all, _ := run(t, db, postgres.Call{SQL: builtin})
	for _, row := range all.json {
		var oid uint32
		var name string
		if err := json.Unmarshal([]byte(row), &[]any{&oid, &name}); err != nil {
			t.Fatal(err)
		}
		if !seen[oid] {
			t.Errorf("type %s has no line in testdata/values", name)
		}
	}
	if len(all.json) < 150 {
		t.Errorf("%d built-in types, want at least 150", len(all.json))
	}
}

func TestDescribe(t *testing.T) {
	address := newValuesDB(t)
	pgtest.Exec(t, address, `CREATE TABLE things (id int8, feels mood, feelings mood[], amount positive, corner box[], at timestamptz, p pair, doc jsonb);
		COMMENT ON COLUMN things.id IS 'the "key"'; COMMENT ON COLUMN things.feels IS 'é'`)
	db := open(t, address)
	for range 2 { // the second time all types are known
		d, err := db.Describe(t.Context(), "SELECT *, id AS again, id + 1, oid FROM things JOIN pg_class ON true WHERE feels = $1 AND p = $2::pair AND at < $3 AND id = ANY ($4) AND amount = $5::positive")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range d.Columns[:8] {
			got = append(got, describe(c))
		}
		for _, c := range d.Columns[len(d.Columns)-3:] {
			got = append(got, describe(c))
		}
		for _, p := range d.Params {
			got = append(got, describe(postgres.Column{Name: "$", Type: p}))
		}
		labels := fmt.Sprintf("%q", []string{"sad", "so so", `it's "ok", {really}\`, "NULL", "😀", ""})
		want := []string{
			`id bigint 3 the "key"`, "feels mood 0 é " + labels, "feelings mood[] 12 , of mood 0 " + labels, "amount integer 2",
			"corner box[] 12 ; of box 0", "at timestamp with time zone 9", "p pair 0", "doc jsonb 6",
			`again bigint 3 the "key"`, "?column? bigint 3", "oid oid 2",
			"$ mood 0 " + labels, "$ pair 0", "$ timestamp with time zone 9", "$ bigint[] 12 , of bigint 3", "$ integer 2",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Describe (-want +got):\n%s", diff)
		}
	}
	pgtest.Exec(t, address, "ALTER TYPE mood ADD VALUE 'new'")
	d, err := db.Describe(t.Context(), "SELECT feelings FROM things")
	if err != nil || !slices.Contains(d.Columns[0].Type.Elem.Labels, "new") {
		t.Errorf("Describe after ALTER TYPE = %+v, %v", d, err)
	}
	d, err = db.Describe(t.Context(), "DELETE FROM things")
	if err != nil || len(d.Columns) != 0 || len(d.Params) != 0 {
		t.Errorf("Describe of a statement without rows = %+v, %v", d, err)
	}
}

// describe writes a column as name, type, kind, delimiter and item type of an array, comment, labels.
func describe(c postgres.Column) string {
	s := strings.TrimSpace(fmt.Sprintf("%s %s %d", c.Name, c.Type.Name, c.Type.Kind))
	if c.Type.Elem != nil {
		s += fmt.Sprintf(" %c of %s", c.Type.Delim, describe(postgres.Column{Type: c.Type.Elem}))
	}
	if c.Comment != "" {
		s += " " + c.Comment
	}
	if c.Type.Labels != nil {
		s += fmt.Sprintf(" %q", c.Type.Labels)
	}
	return s
}
