package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// queryArgs writes the arguments of query.
func queryArgs(t *testing.T, sql string, parameters ...any) string {
	t.Helper()
	args, err := json.Marshal(map[string]any{"sql": sql, "parameters": parameters, "format": "json"})
	if err != nil {
		t.Fatalf("writing arguments: %v", err)
	}
	return string(args)
}

// longest is SQL of n bytes.
func longest(n int) string {
	return "SELECT 1 AS a" + strings.Repeat(" ", n-len("SELECT 1 AS a"))
}

func numbered(n int) (sql string, values []any) {
	for i := 1; i <= n; i++ {
		sql += fmt.Sprintf("+$%d::int", i)
		values = append(values, 1)
	}
	return "SELECT 0" + sql + " AS a", values
}

func TestGateAllows(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, nil)
	most, values := numbered(1000)
	tests := []struct {
		name, sql  string
		parameters []any
		want       string
	}{
		{"longest", longest(32 << 10), nil, `{"items":[{"a":1}]}`},
		{"comments 8 deep", "SELECT 1 AS a" + strings.Repeat("/* ", 8) + strings.Repeat("*/", 8), nil, `{"items":[{"a":1}]}`},
		{"many comments", "SELECT 1 AS a" + strings.Repeat("/**/ ", 1000), nil, `{"items":[{"a":1}]}`},
		{"a line of stars", "/" + strings.Repeat("*", 200) + "/ SELECT 1 AS a ------" + strings.Repeat("-", 1000), nil, `{"items":[{"a":1}]}`},
		{"comment marks in strings", "SELECT '" + strings.Repeat("/*", 100) + "' = $q$" + strings.Repeat("/*", 100) + "$q$ AS a", nil, `{"items":[{"a":true}]}`},
		{"most parameters", most, values, `{"items":[{"a":1000}]}`},
		{"longest parameter", "SELECT length($1) AS a", []any{strings.Repeat("x", 1<<20-4)}, `{"items":[{"a":1048572}]}`},
		{"used twice", "SELECT $2::int - $1::int + $2::int AS a", []any{1, 2}, `{"items":[{"a":3}]}`},
		{"no placeholders", "SELECT '$1' || $q$ $2 $q$ AS a$3 -- $4", nil, `{"items":[{"a$3":"$1 $2 "}]}`},
		{"arguments of a function", "CREATE FUNCTION twice(int) RETURNS int RETURN 2 * $1", nil, `{"affected":0,"command":"CREATE FUNCTION"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, isError := call(t, r, "query", queryArgs(t, test.sql, test.parameters...)); isError || got != test.want {
				t.Errorf("query(%.100s) = %.300s, want %s", test.sql, got, test.want)
			}
		})
	}
}

func TestGateDenies(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t))}, nil)
	tooMany, values := numbered(1001)
	tests := []struct {
		name, sql  string
		parameters []any
		want       string
	}{
		{"too long", longest(32<<10 + 1), nil, "sql: is 32769 bytes, more than the maximum 32768"},
		{"comments 9 deep", "SELECT 1" + strings.Repeat("/* ", 9) + strings.Repeat("*/", 9), nil, "sql: comments are nested 9 deep, more than the maximum 8"},
		{"open comments", "SELECT 1" + strings.Repeat("/*", 16_000), nil, "sql: comments are nested 16000 deep, more than the maximum 8"},
		{"comments behind @E''", `SELECT @E'\'` + strings.Repeat("/*", 100) + "'" + strings.Repeat("/*", 9), nil, "sql: comments are nested 9 deep"},
		{"comments in a row", "SELECT 1" + strings.Repeat("/**/", 8000), nil, "sql: has 32000 operator characters in a row, more than the maximum 256"},
		{"signs in a row", "SELECT " + strings.Repeat("+-", 10_000) + "1", nil, "sql: has 20000 operator characters in a row, more than the maximum 256"},
		{"too many parameters", tooMany, values, "parameters: has 1001 items, more than the maximum 1000"},
		{"too long a parameter", "SELECT $1", []any{strings.Repeat("x", 1<<20)}, "parameters: are 1048580 bytes of JSON, more than the maximum 1048576"},
		{"too long an object", "SELECT $1", []any{map[string]any{"a": []any{strings.Repeat("x", 1<<20-10), 12}}}, "parameters: are 1048581 bytes of JSON"},
		{"number without a value", "SELECT $1, $3", []any{1, 2}, "sql: $3 is used, but parameters holds 2 values"},
		{"huge number", "SELECT $200000000", nil, "sql: $200000000 is used, but parameters holds 0 values"},
		{"huge number behind a digit", "SELECT 1$200000000", []any{1}, "sql: $200000000 is used, but parameters holds 1 value"},
		{"huge number in PREPARE", "PREPARE p AS SELECT $200000000", []any{1}, "sql: $200000000 is used"},
		{"number zero", "SELECT $0", []any{1}, "sql: $0 is used, but placeholders start at $1"},
		{"value without a number", "SELECT $1", []any{1, 2, 3}, "parameters: holds 3 values, but $2 is not used in sql"},
		{"gap", "SELECT $1, $3", []any{1, 2, 3}, "parameters: holds 3 values, but $2 is not used in sql"},
		{"other placeholders", "SELECT ?, :name, %s", []any{1}, "parameters: holds 1 value, but $1 is not used in sql"},
		{"zero character", "SELECT 'a\x00'", nil, "sql: holds the character U+0000"},
		{"zero character in a parameter", "SELECT $1", []any{[]any{"a\x00"}}, "parameters[0][0]: holds the character U+0000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, isError := call(t, r, "query", queryArgs(t, test.sql, test.parameters...))
			if want := `{"error":{"code":"invalid_arguments","message":"` + test.want; !isError || !strings.HasPrefix(got, want) {
				t.Errorf("query(%.100s) = %.300s\nwant %s", test.sql, got, want)
			}
		})
	}
	if got, isError := call(t, r, "query", "{\"sql\": \"SELECT '\xff'\"}"); !isError || !strings.Contains(got, "the arguments are not valid UTF-8") {
		t.Errorf("query of invalid UTF-8 = %s, want it refused", got)
	}
	for escaped, want := range map[string]string{
		`\ud83d\ude00`: "😀", `\\ud800`: `\\ud800`, `\\\\udc00\n`: `\\\\udc00\n`, `\ud800`: "hold \\\\ud800, which is half", `\uDC00\ud83d`: "hold \\\\uDC00, which",
		`\ud83d\u0041`: "hold \\\\ud83d, which", `\ud800\ud83d\ude00`: "hold \\\\ud800, which",
	} {
		got, _ := call(t, r, "query", `{"sql": "SELECT $1 AS a", "format": "json", "parameters": ["`+escaped+`"]}`)
		if !strings.Contains(got, want) {
			t.Errorf("query of %s = %s, want %s", escaped, got, want)
		}
	}
}

// TestGateQuick has a call that PostgreSQL alone would take a second for, whatever the timeout.
func TestGateQuick(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, ""), MaxSQLBytes: 1 << 20}, nil)
	for _, part := range []string{"/*", "/**/", "+"} {
		args := queryArgs(t, "SELECT 1"+strings.Repeat(part, 40_000/len(part)))
		start := cpuTime(t)
		if _, isError := call(t, r, "query", args); !isError {
			t.Errorf("query of 40 KB of %s is let through", part)
		}
		if took := cpuTime(t) - start; took > 200*time.Millisecond {
			t.Errorf("query of 40 KB of %s took %v, want less than 200ms", part, took)
		}
	}
	if got, isError := call(t, r, "query", queryArgs(t, longest(1<<20))); isError {
		t.Errorf("query of 1 MiB with that maximum = %s, want no error", got)
	}
}
