package registry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

func TestQuery(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, E'a|b\nc')`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	tests := []struct{ name, args, want string }{
		{"markdown", `{"sql": "SELECT id, name FROM t ORDER BY id"}`,
			"| id | name |\n| --- | --- |\n| 1 | one |\n| 2 | NULL |\n| 3 | a\\|b<br>c |\n\n3 rows."},
		{"no rows", `{"sql": "SELECT id FROM t WHERE false"}`, "| id |\n| --- |\n\n0 rows."},
		{"row limit", `{"sql": "SELECT id FROM t ORDER BY id", "row_limit": 1}`,
			"| id |\n| --- |\n| 1 |\n\n1 row shown, there are more: the row limit is 1. Raise row_limit, or filter or aggregate."},
		{"json", `{"sql": "SELECT id, name FROM t ORDER BY id LIMIT 2", "format": "json"}`,
			`{"items":[{"id":1,"name":"one"},{"id":2,"name":null}]}`},
		{"json cut", `{"sql": "SELECT id FROM t ORDER BY id", "format": "json", "row_limit": 2}`,
			`{"items":[{"id":1},{"id":2}],"truncated":{"by":"rows","limit":2}}`},
		{"csv", `{"sql": "SELECT id, name FROM t WHERE id > 1 ORDER BY id", "format": "csv"}`, "id,name\n2,\n3,\"a|b\nc\"\n"},
		{"csv cut", `{"sql": "SELECT id FROM t ORDER BY id", "format": "csv", "row_limit": 1}`,
			"id\n1\n1 row shown, there are more: the row limit is 1. Raise row_limit, or filter or aggregate."},
		{"same names", `{"sql": "SELECT 1 AS name, 2 AS name, 3 AS name_2", "format": "json"}`, `{"items":[{"name":1,"name_3":2,"name_2":3}]}`},
		{"parameters", `{"sql": "SELECT $1::int + 1 AS a, $2::text AS b, $3::bool AS c, $4::int AS d", "parameters": [1, "x", true, null], "format": "json"}`,
			`{"items":[{"a":2,"b":"x","c":true,"d":null}]}`},
		{"array parameters", `{"sql": "SELECT $1::int[] AS a, $2::text[] AS b, $3::jsonb AS c, $4::int[] AS d", "parameters": [[1, 2, null], ["a\"b", "c,d"], [1, {"x": []}], [[1], [2]]], "format": "json"}`,
			`{"items":[{"a":[1,2,null],"b":["a\"b","c,d"],"c":[1,{"x":[]}],"d":[[1],[2]]}]}`},
		{"arrays as text", `{"sql": "SELECT $1::int[] AS a, $2::text[] AS b, $3::int[] AS c, id FROM t WHERE id = ANY ($4)", "parameters": ["[1, 2, null]", "[\"a\"]", "{3}", "[1, 7]"], "format": "json"}`,
			`{"items":[{"a":[1,2,null],"b":["a"],"c":[3],"id":1}]}`},
		{"whole numbers as text", `{"sql": "SELECT $1::int AS a, $2::bigint AS b", "parameters": ["3.0", "1e3"], "format": "json"}`, `{"items":[{"a":3,"b":1000}]}`},
		{"text stays text", `{"sql": "SELECT $1::text AS a, $2 || '' AS b, $3::text[] AS c", "parameters": ["[1]", "3.0", ["[1]"]], "format": "json"}`,
			`{"items":[{"a":"[1]","b":"3.0","c":["[1]"]}]}`},
		{"all as text", `{"sql": "SELECT $1::int + 1 AS a", "parameters": "[41]", "row_limit": "10", "format": "json"}`, `{"items":[{"a":42}]}`},
		{"boxes", `{"sql": "SELECT $1::box[] AS b", "parameters": [["(1,1),(0,0)", "(3,3),(2,2)"]], "format": "json"}`, `{"items":[{"b":["(1,1),(0,0)","(3,3),(2,2)"]}]}`},
		{"inferred array", `{"sql": "SELECT id FROM t WHERE id = ANY ($1) ORDER BY id", "parameters": [[1, 3]], "format": "json"}`,
			`{"items":[{"id":1},{"id":3}]}`},
		{"exact number", `{"sql": "SELECT $1::numeric AS n", "parameters": [12345678901234567890.12], "format": "json"}`,
			`{"items":[{"n":"12345678901234567890.12"}]}`},
		{"text to jsonb", `{"sql": "SELECT $1::jsonb AS a, $2::jsonb AS b", "parameters": ["\"plain\"", "{\"x\": 1}"], "format": "json"}`, `{"items":[{"a":"plain","b":{"x":1}}]}`},
		{"inferred types", `{"sql": "SELECT id FROM t WHERE id = $1 AND $2 > now() AND $3 = 1.5 ORDER BY id", "parameters": [1e0, "2999-01-01", 1.50], "format": "json"}`,
			`{"items":[{"id":1}]}`},
		{"object to jsonb", `{"sql": "SELECT $1::jsonb ->> 'a' AS a", "parameters": [{"a": "x"}], "format": "json"}`, `{"items":[{"a":"x"}]}`},
		{"nulls are defaults", `{"sql": "SELECT 1 AS a", "parameters": null, "row_limit": null, "format": null}`, "| a |\n| --- |\n| 1 |\n\n1 row."},
		{"insert", `{"sql": "INSERT INTO t VALUES (4, 'four')"}`, "INSERT: 1 row affected."},
		{"update as json", `{"sql": "UPDATE t SET name = 'x'", "format": "json"}`, `{"affected":4,"command":"UPDATE"}`},
		{"delete as csv", `{"sql": "DELETE FROM t", "format": "csv"}`, "command,affected\nDELETE,4\n"},
		{"create", `{"sql": "CREATE TABLE made (x int)"}`, "CREATE TABLE: done."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, isError := call(t, r, "query", test.args); got != test.want || isError {
				t.Errorf("query(%s) = %s\nwant %s", test.args, got, test.want)
			}
		})
	}
}

func TestQueryErrors(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, nil)
	tests := []struct{ name, args, want string }{
		{"place", `{"sql": "SELECT\n  1 +\n  nope"}`, `"code":"42703","message":"column \"nope\" does not exist","line":3,"column":3`},
		{"transaction", `{"sql": "-- undo\nrollback"}`, `sql: ROLLBACK has no effect, because each call is a transaction of its own`},
		{"session", `{"sql": "SET search_path = x"}`, `sql: SET has no effect, because nothing of a session lasts`},
		{"too few parameters", `{"sql": "SELECT $1::int, $2::int", "parameters": [1]}`, `sql: $2 is used, but parameters holds 1 value"`},
		{"too many parameters", `{"sql": "SELECT 1", "parameters": [1]}`, `parameters: holds 1 value, but $1 is not used in sql`},
		{"too many array parameters", `{"sql": "SELECT $1::int", "parameters": [1, [2]]}`, `parameters: holds 2 values, but $2 is not used in sql`},
		{"array for a number", `{"sql": "SELECT $1::int", "parameters": [[1]]}`, `parameters[0]: [1] is not a value of type integer`},
		{"text for a number", `{"sql": "SELECT $1::int", "parameters": ["x"]}`, `parameters[0]: \"x\" is not a value of type integer (invalid input syntax for type integer: \"x\")`},
		{"second parameter", `{"sql": "SELECT $1::int, $2::date", "parameters": [1, "soon"]}`, `parameters[1]: \"soon\" is not a value of type date`},
		{"object for a number", `{"sql": "SELECT $1::int", "parameters": [{"a": 1}]}`, `parameters[0]: {\"a\":1} is not a value of type integer`},
		{"text in an array of numbers", `{"sql": "SELECT $1::int[]", "parameters": [[1, "x"]]}`, `parameters[0]: [1,\"x\"] is not a value of type integer[]`},
		{"text that is no JSON", `{"sql": "SELECT $1::jsonb", "parameters": ["plain"]}`, `parameters[0]: \"plain\" is not a value of type jsonb`},
		{"one value for parameters", `{"sql": "SELECT $1::int", "parameters": "41"}`, `parameters: \"41\" is not an array such as [\"41\"]`},
		{"no sql", `{}`, `missing argument \"sql\": PostgreSQL statements`},
		{"row limit", `{"sql": "SELECT 1", "row_limit": 10001}`, `row_limit: 10001 is greater than the maximum 10000`},
		{"large row limit", `{"sql": "SELECT 1", "row_limit": 1e400}`, `000... is greater than the maximum 10000`},
		{"format", `{"sql": "SELECT 1", "format": "jsn"}`, `format: \"jsn\" is not one of \"markdown\", \"json\", \"csv\": did you mean \"json\"?`},
		{"copy", `{"sql": "COPY (SELECT 1) TO STDOUT"}`, `COPY to or from the client is not possible`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, isError := call(t, r, "query", test.args); !strings.Contains(got, test.want) || !isError {
				t.Errorf("query(%s) = %s\nwant %s", test.args, got, test.want)
			}
		})
	}
}

func TestQueryReadOnly(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int)")
	write := "/*---\ndescription: Adds.\naccess: write\nresult: affected\n---*/\nINSERT INTO t VALUES (1)"
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, map[string]string{"w/add.sql": write})
	if got, isError := call(t, r, "query", `{"sql": "INSERT INTO t VALUES (1)"}`); !isError || !strings.Contains(got, `"code":"read_only"`) {
		t.Errorf("INSERT in read-only mode = %s, want read_only", got)
	}
	for _, sql := range []string{"COPY (SELECT 1) TO PROGRAM 'true'", "COPY t TO '/tmp/x'", "/* */ VACUUM", "DO 'BEGIN END'", "CALL p()", "CREATE TEMP TABLE x (i int)"} {
		args, _ := json.Marshal(map[string]string{"sql": sql})
		if got, isError := call(t, r, "query", string(args)); !isError || !strings.Contains(got, "is not possible in read-only mode") {
			t.Errorf("%s in read-only mode = %s, want it refused", sql, got)
		}
	}
	for _, sql := range []string{"SELECT 1", "(SELECT 1) UNION (SELECT 2)", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "TABLE t", "SHOW work_mem", "EXPLAIN SELECT 1"} {
		args, _ := json.Marshal(map[string]string{"sql": sql})
		if got, isError := call(t, r, "query", string(args)); isError {
			t.Errorf("%s in read-only mode = %s, want it served", sql, got)
		}
	}
	if _, err := r.Call(t.Context(), "add", json.RawMessage("{}")); err == nil {
		t.Error("a tool that writes is offered in read-only mode")
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("read-only mode wrote %s rows", got)
	}
	r = build(t, registry.Config{DB: openDB(t, url)}, map[string]string{"w/add.sql": write})
	if got, isError := call(t, r, "add", "{}"); isError || got != `{"affected":1,"command":"INSERT"}` {
		t.Errorf("add = %s, want one row affected", got)
	}
}

func TestLimits(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), MaxBytes: 2500}, nil)
	got, _ := call(t, r, "query", `{"sql": "SELECT repeat('x', 500) FROM generate_series(1, 100)", "format": "json"}`)
	if !strings.HasSuffix(got, `],"truncated":{"by":"bytes","limit":2500}}`) || strings.Count(got, "repeat") != 3 {
		t.Errorf("an answer over its bytes = %s, want 3 rows and a note", got)
	}
	got, _ = call(t, r, "query", `{"sql": "SELECT repeat('x', 500) FROM generate_series(1, 100)"}`)
	if !strings.Contains(got, "3 rows shown, there are more: the answer reached its limit of 2500 bytes.") {
		t.Errorf("a table over its bytes = %s, want a note", got)
	}
	r = build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), MaxRows: 3}, nil)
	for args, want := range map[string]string{
		`{"sql": "SELECT generate_series(1, 10)"}`:                 "3 rows shown, there are more: the row limit is 3.",
		`{"sql": "SELECT generate_series(1, 10)", "row_limit": 2}`: "2 rows shown, there are more: the row limit is 2. Raise row_limit, or filter or aggregate.",
		`{"sql": "SELECT generate_series(1, 10)", "row_limit": 3}`: "3 rows shown, there are more: the row limit is 3. It can't be raised: filter or aggregate.",
		`{"sql": "SELECT generate_series(1, 10)", "row_limit": 4}`: "row_limit: 4 is greater than the maximum 3",
	} {
		if got, _ := call(t, r, "query", args); !strings.Contains(got, want) {
			t.Errorf("query(%s) of a server with a limit of 3 rows = %s, want %s", args, got, want)
		}
	}
	r = build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, nil)
	got, _ = call(t, r, "query", `{"sql": "SELECT repeat('ä', 40000) AS a", "format": "json"}`)
	if !strings.HasSuffix(got, `ä... (14464 of 80000 bytes cut)"}],"truncated":{"by":"cell","limit":65536,"cells":[{"row":1,"column":"a","kept":65536,"of":80000,"unit":"bytes"}]}}`) || len(got) > 65536+200 {
		t.Errorf("a long value gives %d bytes ending in %s, want 64 KiB and a note", len(got), got[len(got)-60:])
	}
	for format, want := range map[string]string{
		"json":     `"truncated":{"by":"rows","limit":1,"cell":65536,"cells":[{"row":1,"column":"repeat","kept":65536,"of":70000,"unit":"bytes"}]}}`,
		"markdown": "1 row shown, there are more: the row limit is 1. Raise row_limit, or filter or aggregate. Long values were cut, vectors, bytea and arrays of numbers at 1024 bytes, others at 65536: select a part of them.",
	} {
		got, _ = call(t, r, "query", `{"sql": "SELECT repeat('x', 70000) FROM generate_series(1, 2)", "row_limit": 1, "format": "`+format+`"}`)
		if !strings.HasSuffix(got, want) {
			t.Errorf("rows and a value that were cut end in %s, want %s", got[len(got)-160:], want)
		}
	}
}

// TestBulk: of a vector, of bytes and of an array of numbers a model needs the start, and the rows behind them.
func TestBulk(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TYPE vector AS (v text)`) // the name is pgvector's
	r := build(t, registry.Config{DB: openDB(t, url)}, map[string]string{
		"x/picture.sql":  "/*---\ndescription: x\nresult: value\n---*/\nSELECT convert_to(repeat('x', 9000), 'UTF8')",
		"x/pictures.sql": "/*---\ndescription: x\n---*/\nSELECT convert_to(repeat('x', 9000), 'UTF8') AS a, repeat('y', 9000) AS b",
	})
	for _, test := range []struct{ value, kept string }{
		{"array_fill(0.25::float8, ARRAY[1536])", `"kept":204,"of":1536,"unit":"items"`},
		{"array_fill(12345::int8, ARRAY[1536])", `"unit":"items"`},
		{"convert_to(repeat('x', 9000), 'UTF8')", `"kept":511,"of":9000,"unit":"bytes"`},
		{"ROW(repeat('0.25 ', 1536))::vector", `"kept":1024,"of":7684,"unit":"bytes"`},
	} {
		args := `{"sql": "SELECT ` + test.value + ` AS a, g FROM generate_series(1, 400) AS g", "format": "FORMAT"}`
		got, _ := call(t, r, "query", strings.Replace(args, "FORMAT", "json", 1))
		if !strings.Contains(got, test.kept) || !strings.Contains(got, `"g":400}],"truncated":{"by":"cell","limit":1024,`) || !strings.Contains(got, `"more_cells":390`) {
			t.Errorf("%s = %.100s ... %s, want all rows, and %s", test.value, got, got[max(0, len(got)-900):], test.kept)
		}
		got, _ = call(t, r, "query", strings.Replace(args, "FORMAT", "markdown", 1))
		if !strings.Contains(got, "400 rows. Long values were cut") || !strings.Contains(got, " cut) | 400 |") {
			t.Errorf("%s = %.100s ... %s, want all rows", test.value, got, got[max(0, len(got)-300):])
		}
	}
	for tool, want := range map[string]string{"picture": `eHh4"}`, "pictures": strings.Repeat("y", 9000) + `"}],"truncated":{"by":"cell"`} {
		if got, isError := call(t, r, tool, "{}"); isError || !strings.Contains(got, want) {
			t.Errorf("%s = %.100s ... %s, want %.20s in it", tool, got, got[max(0, len(got)-200):], want)
		}
	}
	got, _ := call(t, r, "query", `{"sql": "SELECT array_fill('some text'::text, ARRAY[1000]) AS a, to_jsonb(array_fill(1, ARRAY[1000])) AS b", "format": "json"}`)
	if strings.Contains(got, "truncated") {
		t.Errorf("texts and JSON of some KB are cut: %s", got[len(got)-200:])
	}
}

func TestQueryWithoutDatabaseIsANotice(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		o, lines := observer(t)
		r := build(t, registry.Config{DB: openDB(t, ""), ReadOnly: readOnly, Observer: o}, nil)
		res, err := r.Call(t.Context(), "query", json.RawMessage(`{"sql":"SELECT count(*) FROM orders"}`))
		if err != nil || !res.Notice || lines()[0].Code != "no_database" {
			t.Errorf("read only %v: query without a database = %+v, %v, %v; want a notice and no_database", readOnly, res, err, lines())
		}
		if got, _ := call(t, r, "query", `{"sql": "SELECT 1", "format": "json"}`); !strings.HasPrefix(got, `{"items":[],"notice":"No database is connected.`) {
			t.Errorf("read only %v: query as json without a database = %s, want no items and a notice", readOnly, got)
		}
	}
}
