package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

func TestArguments(t *testing.T) {
	tool := `/*---
description: Every kind of argument.
params:
  - {name: text, type: string, min_length: 2, max_length: 4, pattern: "^[a-z]+$"}
  - {name: count, type: integer, minimum: 1, maximum: 10}
  - {name: share, type: number, minimum: 0}
  - {name: flag, type: boolean, default: true}
  - {name: day, type: date}
  - {name: clock, type: time}
  - {name: local, type: timestamp}
  - {name: instant, type: timestamptz}
  - {name: span, type: interval}
  - {name: key, type: uuid}
  - {name: doc, type: json}
  - {name: kinds, type: "string[]", enum: [small, large], max_items: 2}
  - {name: numbers, type: "integer[]"}
  - {name: must, type: string, required: true, description: Say anything.}
result: object
---*/
SELECT @text AS text, @count AS count, @share AS share, @flag AS flag, @day AS day, @clock AS clock, @local AS local, @instant AS instant,
  @span AS span, @key AS key, @doc AS doc, @kinds AS kinds, @numbers AS numbers, @must AS must`
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, map[string]string{"x/args.sql": tool})
	good := []struct{ args, want string }{
		{`{"must": "x"}`, `{"flag":true,"must":"x"}`},
		{`{"must": "x", "flag": null, "text": null}`, `{"flag":true,"must":"x"}`},
		{`{"must": "x", "text": "abc", "count": 1e1, "share": 0.50, "flag": false}`, `{"text":"abc","count":10,"share":0.50,"flag":false,"must":"x"}`},
		{`{"must": "x", "day": "2024-02-29", "clock": "13:45", "local": "2024-02-29T01:02:03", "instant": "2024-02-29T01:02:03+02:00"}`,
			`{"flag":true,"day":"2024-02-29","clock":"13:45:00","local":"2024-02-29T01:02:03","instant":"2024-02-28T23:02:03+00:00","must":"x"}`},
		{`{"must": "x", "span": "P1DT2H", "key": "123e4567-e89b-12d3-a456-426614174000", "doc": {"a": [1, "b"]}}`,
			`{"flag":true,"span":"1 day 02:00:00","key":"123e4567-e89b-12d3-a456-426614174000","doc":{"a":[1,"b"]},"must":"x"}`},
		{`{"must": "it's; \"quoted\" \\ \n", "kinds": ["small", "large"], "numbers": [1, -9007199254740993]}`,
			`{"flag":true,"kinds":["small","large"],"numbers":[1,"-9007199254740993"],"must":"it's; \"quoted\" \\ \n"}`},
		{`{"must": 1, "text": "abc", "count": "5", "share": "0.50", "flag": "false", "numbers": "[1, \"2\", 3.0]", "kinds": "[\"small\"]"}`,
			`{"must":"1","text":"abc","count":5,"share":0.50,"flag":false,"numbers":[1,2,3],"kinds":["small"]}`},
		{`{"must": "[1]", "doc": "{\"a\": [1, \"b\"]}"}`, `{"flag":true,"must":"[1]","doc":{"a":[1,"b"]}}`},
		{`{"must": "5", "doc": "\"navy\""}`, `{"flag":true,"must":"5","doc":"navy"}`},
		{`{"must": "true", "doc": "null"}`, `{"flag":true,"must":"true"}`},
	}
	for _, test := range good {
		got, isError := call(t, r, "args", test.args)
		var all map[string]any
		if err := json.Unmarshal([]byte(got), &all); err != nil {
			t.Fatal(err)
		}
		for k, v := range all {
			if v == nil {
				delete(all, k)
			}
		}
		if diff := cmp.Diff(decode(t, test.want), any(all)); diff != "" || isError {
			t.Errorf("args(%s) (-want +got):\n%s", test.args, diff)
		}
	}
	bad := []struct{ args, want string }{
		{`{}`, `missing argument "must": Say anything`},
		{`{"must": null}`, `missing argument "must": Say anything`},
		{`[]`, `the arguments are not a JSON object: want {"name": value, ...}`},
		{`{"must": "x", "txt": 1}`, `unknown argument "txt": did you mean "text"?`},
		{`{"must": ["x"]}`, `must: ["x"] is not a string`},
		{`{"must": "x", "count": 11}`, `count: 11 is greater than the maximum 10`},
		{`{"must": "x", "count": 1.5}`, `count: 1.5 is not an integer`},
		{`{"must": "x", "count": "five"}`, `count: "five" is not an integer`},
		{`{"must": "x", "count": "11"}`, `count: 11 is greater than the maximum 10`},
		{`{"must": "x", "kinds": "small"}`, `kinds: "small" is not an array such as ["small"]`},
		{`{"must": "x", "kinds": "smal"}`, `kinds: "smal" is not an array`},
		{`{"must": "x", "doc": "navy"}`, `doc: "navy" is not JSON text such as {"key": "value"}; a string needs quotes of its own in it`},
		{`{"must": "x", "doc": "{\"a\": \"\\u0000\"}"}`, `doc: a: holds the character U+0000, which PostgreSQL can't store`},
		{`{"must": "x", "count": 11, "share": -1, "flag": "yes"}`,
			`count: 11 is greater than the maximum 10; flag: "yes" is not true or false; share: -1 is less than the minimum 0`},
		{`{"must": "x", "share": -0.5}`, `share: -0.5 is less than the minimum 0`},
		{`{"must": "x", "share": 1e999}`, `share: 1e999... is too large a number`},
		{`{"must": "x", "text": "a"}`, `text: has 1 characters, fewer than the minimum 2`},
		{`{"must": "x", "text": "abcde"}`, `text: has 5 characters, more than the maximum 4`},
		{`{"must": "x", "text": "ABC"}`, `text: "ABC" does not match the pattern ^[a-z]+$`},
		{`{"must": "x", "day": "31.1.2024"}`, `day: "31.1.2024" is not a date such as 2024-01-31`},
		{`{"must": "x", "instant": "2024-02-29T01:02:03"}`, `instant: "2024-02-29T01:02:03" is not a timestamp with a zone such as 2024-01-31T09:30:00Z`},
		{`{"must": "x", "key": "123"}`, `key: "123" is not a uuid such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6`},
		{`{"must": "x", "kinds": ["smal"]}`, `kinds[0]: "smal" is not one of "small", "large": did you mean "small"?`},
		{`{"must": "x", "kinds": ["small", "small", "small"]}`, `kinds: has 3 items, more than the maximum 2`},
		{`{"must": "x", "numbers": [1, "a"]}`, `numbers[1]: "a" is not an integer`},
		{`{"must": "x", "numbers": [9223372036854775808]}`, `numbers[0]: 9223372036854775808 is outside the range of a 64-bit integer`},
		{`{"must": "a\u0000b"}`, `must: holds the character U+0000, which PostgreSQL can't store`},
	}
	for _, test := range bad {
		got, isError := call(t, r, "args", test.args)
		var body struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(got), &body); err != nil || !isError || body.Error.Code != "invalid_arguments" || body.Error.Message != test.want {
			t.Errorf("args(%s) = %s\nwant %s", test.args, got, test.want)
		}
	}
}

const numbersTool = `/*---
description: Numbers.
params:
  - {name: least, type: integer, default: 1}
page: {key: [%s], size: 4, max: 6}
---*/
SELECT i AS n, 'n' || i AS name FROM generate_series(@least, 10) AS i`

func TestPages(t *testing.T) {
	for key, want := range map[string]string{"n": "1 2 3 4|5 6 7 8|9 10|", "-n": "10 9 8 7|6 5 4 3|2 1|"} {
		r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, map[string]string{"x/numbers.sql": fmt.Sprintf(numbersTool, key)})
		got, cursor := "", ""
		for {
			args, _ := json.Marshal(map[string]any{"cursor": cursor})
			answer, isError := call(t, r, "numbers", string(args))
			if isError {
				t.Fatal(answer)
			}
			var page struct {
				Items      []struct{ N int }
				NextCursor string `json:"next_cursor"`
			}
			if err := json.Unmarshal([]byte(answer), &page); err != nil {
				t.Fatal(err)
			}
			for i, item := range page.Items {
				if i > 0 {
					got += " "
				}
				got += fmt.Sprint(item.N)
			}
			got += "|"
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if got != want {
			t.Errorf("pages by %s = %s, want %s", key, got, want)
		}
	}
}

func TestPageArguments(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, map[string]string{"x/numbers.sql": fmt.Sprintf(numbersTool, "n")})
	first, _ := call(t, r, "numbers", `{"least": 2}`)
	var page struct {
		NextCursor string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(first), &page); err != nil || page.NextCursor == "" {
		t.Fatalf("first page = %s", first)
	}
	tests := []struct{ args, want string }{
		{`{"page_size": 7}`, `page_size: 7 is greater than the maximum 6`},
		{`{"page_size": 0}`, `page_size: 0 is less than the minimum 1`},
		{`{"cursor": "nonsense"}`, `cursor: not a cursor of this server`},
		{`{"cursor": "` + page.NextCursor + `"}`, `cursor: belongs to a call of another tool or with other arguments`},
		{`{"least": 2, "page_size": 1, "cursor": "` + page.NextCursor + `"}`, `{"items":[{"n":6,"name":"n6"}],"next_cursor":`},
		{`{"least": 9}`, `{"items":[{"n":9,"name":"n9"},{"n":10,"name":"n10"}]}`},
		{`{"least": 11}`, `{"items":[]}`},
	}
	for _, test := range tests {
		if got, _ := call(t, r, "numbers", test.args); !strings.Contains(got, test.want) {
			t.Errorf("numbers(%s) = %s, want %s", test.args, got, test.want)
		}
	}
}

func TestWithoutDatabase(t *testing.T) {
	down := "postgres://nobody:s3cret@127.0.0.1:1/none?connect_timeout=2"
	for url, want := range map[string]string{"": "No database is connected.", down: "The database is not available at the moment: the database can't be reached."} {
		r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
		for _, name := range r.Names() {
			args := "{}"
			if name == "query" {
				args = `{"sql": "SELECT 1"}`
			} else if packArgs[name] != "" {
				args = packArgs[name]
			}
			got, isError := call(t, r, name, args)
			if isError != (url == down && name != "server_info") || !strings.Contains(got, want) || strings.Contains(got, "s3cret") {
				t.Errorf("%s without a database = %s (error %v), want %q", name, got, isError, want)
			}
			if isError && (!strings.HasPrefix(got, `{"error":{"code":"unavailable"`) || !strings.HasSuffix(got, `"retryable":true}}`)) {
				t.Errorf("%s with the database down = %s, want unavailable, retryable", name, got)
			}
			if !isError && strings.HasPrefix(name, "list_") && !strings.HasPrefix(got, `{"items":[],"notice":"`) {
				t.Errorf("%s without a database = %s, want no items and the notice", name, got)
			}
		}
	}
}

func TestShapes(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, map[string]string{
		"x/one.sql":       "/*---\ndescription: One.\nresult: object\nparams: [{name: n, type: integer, required: true}]\n---*/\nSELECT i, NULL AS nothing FROM generate_series(1, @n) i",
		"x/lean.sql":      "/*---\ndescription: One.\nresult: object\nomit_null: true\n---*/\nSELECT 1 AS i, NULL AS nothing",
		"x/value.sql":     "/*---\ndescription: One.\nresult: value\nparams: [{name: n, type: integer}]\n---*/\nSELECT 'x' || @n WHERE @n > 0 OR @n IS NULL",
		"x/broken.sql":    "/*---\ndescription: Broken.\n---*/\nSELECT * FROM nowhere",
		"x/limited.sql":   "/*---\ndescription: Cut.\nlimits: {rows: 2}\n---*/\nSELECT generate_series(1, 3) AS i",
		"x/slow.sql":      "/*---\ndescription: Slow.\nlimits: {timeout: 50ms}\n---*/\nSELECT pg_sleep(30)",
		"x/writing.sql":   "/*---\ndescription: Writes.\naccess: write\nresult: affected\nlimits: {max_affected: 2}\nparams: [{name: n, type: integer, required: true}]\n---*/\nINSERT INTO w SELECT generate_series(1, @n)",
		"x/returning.sql": "/*---\ndescription: Writes.\naccess: write\nlimits: {max_affected: 1, rows: 1}\n---*/\nUPDATE w SET i = i + 1000 RETURNING i",
		"x/single.sql":    "/*---\ndescription: Writes.\naccess: write\nresult: object\n---*/\nUPDATE w SET i = i + 1000 RETURNING i",
		"x/counting.sql":  "/*---\ndescription: Writes.\naccess: write\nresult: affected\nlimits: {rows: 1}\n---*/\nUPDATE w SET i = i + 50 RETURNING i",
		"x/changing.sql":  "/*---\ndescription: Writes.\naccess: write\nresult: affected\nparams: [{name: n, type: integer, required: true}]\nnot_found: {message: \"There is no {n}.\"}\n---*/\nDELETE FROM w WHERE i = @n",
		"x/rowless.sql":   "/*---\ndescription: Writes.\naccess: write\n---*/\nUPDATE w SET i = i",
		"x/isolated.sql":  "/*---\ndescription: Reads, as far as anybody can see.\n---*/\nSELECT add_w()",
	})
	tests := []struct{ tool, args, want string }{
		{"one", `{"n": 1}`, `{"i":1,"nothing":null}`},
		{"one", `{"n": 0}`, `{"error":{"code":"not_found","message":"nothing was found","retryable":false}}`},
		{"one", `{"n": 2}`, `{"error":{"code":"result_too_large","message":"the tool gives more than one row: its result is \"object\"","retryable":false}}`},
		{"lean", `{}`, `{"i":1}`},
		{"value", `{"n": 7}`, `{"value":"x7"}`},
		{"value", `{}`, `{"value":null}`},
		{"value", `{"n": -1}`, `{"error":{"code":"not_found","message":"nothing was found","retryable":false}}`},
		{"broken", `{}`, `{"error":{"code":"42P01","message":"relation \"nowhere\" does not exist","retryable":false}}`},
		{"limited", `{}`, `{"items":[{"i":1},{"i":2}],"truncated":{"by":"rows","limit":2}}`},
		{"slow", `{}`, `{"error":{"code":"57014","message":"the statement took longer than its time limit of 50ms and was stopped","hint":"make it cheaper: filter on indexed columns, or ask for less","retryable":false}}`},
		{"isolated", `{}`, `{"error":{"code":"42883","message":"function add_w() does not exist","hint":"No function matches the given name and argument types. You might need to add explicit type casts.","retryable":false}}`},
	}
	for _, test := range tests {
		if got, _ := call(t, r, test.tool, test.args); got != test.want {
			t.Errorf("%s(%s) = %s\nwant %s", test.tool, test.args, got, test.want)
		}
	}
	call(t, r, "query", `{"sql": "CREATE TABLE w (i int)"}`)
	call(t, r, "query", `{"sql": "CREATE FUNCTION add_w() RETURNS int LANGUAGE sql AS 'INSERT INTO w VALUES (0) RETURNING i'"}`)
	for _, test := range []struct{ tool, args, want string }{
		{"isolated", `{}`, `cannot execute INSERT in a read-only transaction`},
		{"writing", `{"n": 3}`, `the statement affects 3 rows, more than the limit of 2: nothing was changed`},
		{"writing", `{"n": 2}`, `{"affected":2,"command":"INSERT"}`},
		{"query", `{"sql": "SELECT count(*) FROM w", "format": "csv"}`, "count\n2\n"},
		{"changing", `{"n": 77}`, `"code":"not_found","message":"There is no 77."`},
		{"rowless", `{}`, `{"affected":2,"command":"UPDATE"}`},
		{"returning", `{}`, `the statement affects 2 rows, more than the limit of 1: nothing was changed`},
		{"single", `{}`, `the tool gives more than one row: its result is \"object\": nothing was changed`},
		{"counting", `{}`, `{"affected":2,"command":"UPDATE"}`},
		{"query", `{"sql": "SELECT sum(i) FROM w", "format": "csv"}`, "sum\n103\n"},
	} {
		if got, _ := call(t, r, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s(%s) = %s\nwant %s", test.tool, test.args, got, test.want)
		}
	}
}

// panicking is a database whose calls panic.
type panicking struct{}

func (panicking) Run(context.Context, postgres.Call, postgres.Sink) (postgres.Outcome, error) {
	panic("secret")
}

func (panicking) Stuck() []postgres.Stuck { return nil }

func TestPanicStaysInside(t *testing.T) {
	r := build(t, registry.Config{DB: panicking{}}, nil)
	got, isError := call(t, r, "db_identity", `{}`)
	if !isError || !strings.Contains(got, "internal error (call ") || strings.Contains(got, "secret") {
		t.Errorf("a panic answers %s, want an internal error without its text", got)
	}
}

func TestServer(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.Demo(t))}, nil)
	c, err := client.NewInProcessClient(r.Server("test"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	init, err := c.Initialize(t.Context(), mcp.InitializeRequest{})
	if err != nil || !strings.Contains(init.Instructions, "describe_table") {
		t.Fatalf("Initialize = %+v, %v; want instructions", init, err)
	}
	list, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		h := tool.Annotations
		if h.ReadOnlyHint == nil || h.DestructiveHint == nil || h.IdempotentHint == nil || h.OpenWorldHint == nil {
			t.Errorf("%s: %+v, want all four hints", tool.Name, h)
		}
		if *h.ReadOnlyHint != (tool.Name != "query") || tool.Title == "" || tool.Description == "" {
			t.Errorf("%s: title %q, description %q, read only %v", tool.Name, tool.Title, tool.Description, *h.ReadOnlyHint)
		}
	}
	want := []string{"db_identity", "describe_database", "describe_table", "find_relationships", "get_foreign_keys", "list_schemas", "list_tables", "query", "search_objects", "server_info"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = "list_tables", map[string]any{"name_pattern": "orders"}
	res, err := c.CallTool(t.Context(), req)
	if err != nil || res.IsError {
		t.Fatalf("CallTool = %+v, %v", res, err)
	}
	if got := fmt.Sprint(res.Content); !strings.Contains(got, `"table_name":"orders"`) {
		t.Errorf("list_tables = %s, want orders", got)
	}
}
