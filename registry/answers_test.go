package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// values are one or two of each type that JSON writes in its own way, as SQL; %d is how often a part of it is repeated.
var values = []string{
	`true`, `1::int2`, `1::int4`, `9007199254740993`, `1::oid`, `0.5::float4`, `'NaN'::float8`, `1.50`, `repeat('9', 20 + %d)::numeric`, `'NaN'::numeric`,
	`'{"a": 1}'::json`, `to_jsonb(repeat('j', %d))`, `repeat('é', %d)`, `'v'::varchar`, `'c'::char(4)`, `'n'::name`, `'"'::"char"`, `'infinity'::date`,
	`'4713-01-01 BC'::timestamp`, `'-infinity'::timestamptz`, `'12:00'::time`, `'12:00+02'::timetz`, `'1 year -3 hours'::interval`,
	`'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::uuid`, `convert_to(repeat('x', %d), 'UTF8')`, `'192.0.2.1'::inet`, `'10.0.0.0/8'::cidr`, `'08:00:2b:01:02:03'::macaddr`,
	`1::money`, `xmlelement(name x, repeat('<', %d))`, `repeat('1', %d)::varbit`, `to_tsvector('a ' || repeat('b', %d / 50))`, `'a & b'::tsquery`, `'(1,2)'::point`,
	`(SELECT polygon(path(array_to_string(array_agg(point(g, g)), ','))) FROM generate_series(0, %d) AS g)`, `int4range(1, 5)`, `'1 2'::int2vector`,
	`'pg_class'::regclass`, `'good'::mood`, `ROW(1, repeat('r', %d))`, `ROW(1, repeat('r', %d))::pair`, `'x@y'::email`, `NULL::int4[]`, `'{}'::int4[]`,
	`array_fill(123456, ARRAY[1 + %d])`, `array_fill(7, ARRAY[2, 1 + %d, 2])`, `'[0:1]={1,2}'::int8[]`, `ARRAY[repeat('t"', %d), 'u']`, `array_fill('t'::text, ARRAY[1 + %d])`,
	`array_fill(NULL::text, ARRAY[1 + %d])`, `ARRAY[convert_to(repeat('x', %d), 'UTF8'), '\x00']`, `ARRAY[to_json(repeat('j', %d)), '{"a": []}']`, `array_fill('bad'::mood, ARRAY[1 + %d])`,
	`array_fill(ROW(1, 'x')::pair, ARRAY[1 + %d])`, `array_fill('((0,0),(1,1))'::box, ARRAY[1 + %d])`, `array_fill(repeat('9', 30)::numeric, ARRAY[1 + %d])::marks`,
	`array_fill('f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::uuid, ARRAY[1 + %d])`, `array_fill(now(), ARRAY[1 + %d])`, `array_fill(true, ARRAY[1 + %d])`, `array_fill('NaN'::float8, ARRAY[1 + %d])`,
}

const valuesFixture = `
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (n int, t text);
CREATE DOMAIN email AS text;
CREATE DOMAIN marks AS numeric[];
CREATE TABLE w (i int);`

// valueTools are tools of every type and result, whose long values have about size characters.
func valueTools(size int) fstest.MapFS {
	files := fstest.MapFS{"w/affected.sql": {Data: []byte("/*---\ndescription: x\naccess: write\nresult: affected\n---*/\nINSERT INTO w VALUES (1)")}}
	for i, value := range values {
		if strings.Contains(value, "%d") {
			value = strings.ReplaceAll(value, "%d", fmt.Sprint(size))
		}
		for result, sql := range map[string]string{
			"value":  "SELECT " + value + " AS a",
			"object": "SELECT " + value + " AS a, 1 AS b, " + value + " AS truncated",
			"rows":   "SELECT " + value + " AS a, g AS b FROM generate_series(1, 3) AS g",
		} {
			files[fmt.Sprintf("x/%s_%d.sql", result, i)] = &fstest.MapFile{Data: []byte("/*---\ndescription: x\nresult: " + result + "\n---*/\n" + sql)}
		}
		files[fmt.Sprintf("x/page_%d.sql", i)] = &fstest.MapFile{Data: []byte("/*---\ndescription: x\npage: {key: [b], size: 2}\n---*/\nSELECT " + value + " AS a, g AS b FROM generate_series(1, 3) AS g")}
	}
	return files
}

// conforming calls tools as clients see them.
type conforming struct {
	*registry.Registry
	schemas map[string]*jsonschema.Schema
}

// describedBy is what a server has of tools that db has described.
func describedBy(t *testing.T, db *postgres.DB, tools []*catalog.Tool) registry.Set {
	t.Helper()
	set := registry.Set{Outputs: map[string]json.RawMessage{}, Columns: map[string][]postgres.Column{}}
	for _, tool := range tools {
		d, err := registry.Describe(t.Context(), db, tool, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Faults) > 0 {
			if tool.Source == "" {
				continue // for another version of PostgreSQL, or an extension
			}
			t.Fatal(d.Faults)
		}
		set.Tools = append(set.Tools, tool)
		set.Outputs[tool.Name], set.Columns[tool.Name] = d.Output, d.Columns
	}
	return set
}

func offering(t *testing.T, set registry.Set, c registry.Config) *conforming {
	t.Helper()
	c.Logger, c.Extra = silent(), registry.OnRequest()
	r, err := registry.Build(c, set)
	if err != nil {
		t.Fatal(err)
	}
	return &conforming{r, map[string]*jsonschema.Schema{}}
}

// call makes a call and holds the answer against the output schema, as clients do: those on the Python SDK leave out errors,
// those on the TypeScript SDK look at all that is structured.
func (c *conforming) call(t *testing.T, name, args string) (body json.RawMessage) {
	t.Helper()
	res, err := c.Call(t.Context(), name, json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	schema := c.schema(t, name)
	switch {
	case res.Err != nil && res.JSON != "":
		t.Errorf("%s(%s) is an error with structured content", name, args)
	case res.Err != nil:
		if body = res.Body(); !strings.HasPrefix(string(body), `{"error":{"code":"`) || len(res.Texts) != 1 {
			t.Errorf("%s(%s) is an error with the body %s", name, args, body)
		}
		return body
	case schema != nil && res.JSON == "":
		t.Errorf("%s(%s) has no structured content, and an output schema", name, args)
	}
	body = res.Body()
	if schema == nil || body == nil {
		return body
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err == nil {
		err = schema.Validate(doc)
	}
	if err != nil {
		t.Errorf("%s(%s) does not fit its schema: %v\n%.300s", name, args, err, body)
	}
	return body
}

// schema compiles the output schema of a tool; nil if it has none.
func (c *conforming) schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	_, s, _ := c.Tool(name)
	if s.Output == nil || c.schemas[name] != nil {
		return c.schemas[name]
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(s.Output)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.AssertContent()
	if err := compiler.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	if c.schemas[name], err = compiler.Compile(name); err != nil {
		t.Fatal(err)
	}
	return c.schemas[name]
}

// TestAnswersFitTheirSchema: every type and every embedded tool at every cut, without a database, and when it is down.
func TestAnswersFitTheirSchema(t *testing.T) {
	url := pgtest.URL(t)
	fixture, err := os.ReadFile("testdata/packs/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, valuesFixture+string(fixture))
	db, none, down := openDB(t, url), openDB(t, ""), openDB(t, "postgres://x@127.0.0.1:1/x?connect_timeout=2")
	small := map[string]registry.Config{
		"whole": {DB: db}, "cells": {DB: db, MaxCell: 64}, "a byte": {DB: db, MaxCell: 1}, "rows": {DB: db, MaxRows: 1, MaxCell: 200},
		"bytes": {DB: db, MaxBytes: 1500, MaxCell: 200}, "no bytes": {DB: db, MaxBytes: 1}, "no database": {DB: none}, "down": {DB: down},
	}
	for size, configs := range map[int]map[string]registry.Config{0: {"cells": {DB: db, MaxCell: 64}}, 100: small, 10_000: {"long cells": {DB: db, MaxCell: 8 << 10}}} {
		cat, err := catalog.Load(catalog.Source{FS: os.DirFS("../sql")}, catalog.Source{Name: "test", FS: valueTools(size)})
		if err != nil {
			t.Fatal(err)
		}
		set := describedBy(t, db, cat.Tools)
		for name, config := range configs {
			r := offering(t, set, config)
			for _, tool := range r.Names() {
				args := packArgs[tool]
				switch {
				case tool == "query":
					args = `{"sql":"SELECT 1","format":"json"}`
				case tool == "explain_query":
					args = `{"sql":"SELECT 1"}`
				case args == "":
					args = "{}"
				}
				body := r.call(t, tool, args)
				if name == "no database" && !strings.Contains(string(body), `"notice`) {
					t.Errorf("%s without a database = %s", tool, body)
				}
			}
		}
	}
}

// TestEnumGrows: a client that knows the schema from before ALTER TYPE reads the new label.
func TestEnumGrows(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE m (mood mood, moods mood[]); COMMENT ON COLUMN m.mood IS 'How it is'`)
	db := openDB(t, url)
	tool, err := catalog.Parse("x/moods.sql", "x", []byte("/*---\ndescription: x\n---*/\nSELECT * FROM m"))
	if err != nil {
		t.Fatal(err)
	}
	r := offering(t, describedBy(t, db, []*catalog.Tool{tool}), registry.Config{DB: db})
	r.call(t, "moods", "{}")
	if _, s, _ := r.Tool("moods"); !strings.Contains(string(s.Output), `"How it is (one of good, bad)"`) {
		t.Errorf("the schema is %s, want the labels in the description", s.Output)
	}
	pgtest.Exec(t, url, `ALTER TYPE mood ADD VALUE 'so so'`)
	pgtest.Exec(t, url, `INSERT INTO m VALUES ('so so', '{"so so"}')`)
	if got := r.call(t, "moods", "{}"); string(got) != `{"items":[{"mood":"so so","moods":["so so"]}]}` {
		t.Errorf("a new label = %s", got)
	}
}

// TestCutValues: a value that is cut keeps its JSON type, and the answer says how much is missing.
func TestCutValues(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), MaxCell: 20}, map[string]string{
		"x/array.sql":  "/*---\ndescription: x\nresult: value\n---*/\nSELECT array_agg(g) FROM generate_series(10, 40) AS g",
		"x/nested.sql": "/*---\ndescription: x\nresult: value\n---*/\nSELECT ARRAY[[111,222,333],[444,555,666]]",
		"x/bytes.sql":  "/*---\ndescription: x\nresult: object\n---*/\nSELECT 1 AS truncated, convert_to(repeat('x', 30), 'UTF8') AS b",
		"x/texts.sql":  "/*---\ndescription: x\n---*/\nSELECT repeat('é', 6 * g) AS t, g FROM generate_series(1, 3) AS g",
		"x/many.sql":   "/*---\ndescription: x\n---*/\nSELECT repeat('x', 21) AS t FROM generate_series(1, 12)",
	})
	for tool, want := range map[string]string{
		"array":  `{"value":[10,11,12,13,14,15],"truncated":{"by":"cell","limit":20,"cells":[{"column":"value","kept":6,"of":31,"unit":"items"}]}}`,
		"nested": `{"value":[[111,222,333],[444]],"truncated":{"by":"cell","limit":20,"cells":[{"column":"value","kept":4,"of":6,"unit":"items"}]}}`,
		"bytes": `{"truncated":1,"b":"` + base64.StdEncoding.EncodeToString([]byte("xxxxxxxxx")) +
			`","truncated_":{"by":"cell","limit":20,"cells":[{"column":"b","kept":9,"of":30,"unit":"bytes"}]}}`,
		"texts": `{"items":[{"t":"éééééé","g":1},{"t":"éééééééééé... (4 of 24 bytes cut)","g":2},{"t":"éééééééééé... (16 of 36 bytes cut)","g":3}],` +
			`"truncated":{"by":"cell","limit":20,"cells":[{"row":2,"column":"t","kept":20,"of":24,"unit":"bytes"},{"row":3,"column":"t","kept":20,"of":36,"unit":"bytes"}]}}`,
	} {
		if got, _ := call(t, r, tool, "{}"); got != want {
			t.Errorf("%s = %s\nwant %s", tool, got, want)
		}
	}
	if got, _ := call(t, r, "many", "{}"); strings.Count(got, `"row":`) != 10 || !strings.HasSuffix(got, `],"more_cells":2}}`) {
		t.Errorf("many values that were cut = %s, want ten of them and the number of the others", got)
	}
}

// TestMessageStaysSmall: whatever the answer is made of, its message is within the limit.
func TestMessageStaysSmall(t *testing.T) {
	files := map[string]string{}
	for name, text := range map[string]string{"plain": "x", "quotes": `"`, "escapes": `\`, "accents": "é"} {
		files["x/"+name+".sql"] = "/*---\ndescription: x\npage: {key: [t, n], size: 900, max: 900}\n---*/\nSELECT repeat($$" + text + "$$, 500) || g AS t, g AS n, CASE g % 100 WHEN 7 THEN repeat('y', 70000) END AS c FROM generate_series(1, 900) AS g"
		files["x/"+name+"_rows.sql"] = "/*---\ndescription: x\n---*/\nSELECT repeat($$" + text + "$$, 900) AS t FROM generate_series(1, 900) AS g"
	}
	db := openDB(t, pgtest.URL(t))
	for _, most := range []int{0, 20_000, 200_000} {
		r := build(t, registry.Config{DB: db, MaxBytes: most}, files)
		if most == 0 {
			most = 1_000_000
		}
		check := func(name, args string, least int) {
			t.Helper()
			res, err := r.Call(t.Context(), name, json.RawMessage(args))
			if err != nil || res.Err != nil {
				t.Fatalf("%s: %v %v", name, err, res)
			}
			n := 250 + len(pgtext.AppendJSON(nil, text(t, res))) + len(res.JSON) // the message has the server's name and version too
			if n > most || n < least {
				t.Errorf("%s(%.50s) is a message of %d bytes, want from %d to %d", name, args, n, least, most)
			}
		}
		for _, tool := range []string{"plain", "quotes", "escapes", "accents"} {
			check(tool, "{}", 0)
			check(tool+"_rows", "{}", most/3)
		}
		for _, format := range []string{"json", "markdown", "csv"} {
			for _, value := range []string{`x\n`, `\"`, `|\\t`, `\u0001`, `é`} {
				check("query", `{"row_limit":1000,"format":"`+format+`","sql":"SELECT repeat('`+value+`', 600) FROM generate_series(1, 1000)"}`, most/3)
			}
		}
	}
}
