package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestSeveralStatements: those of one call run in one transaction, in their order, each under its number.
func TestSeveralStatements(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE jobs (id int PRIMARY KEY, note text); INSERT INTO jobs VALUES (1, 'a'), (2, NULL);
		CREATE TABLE secrets (id int); CREATE TYPE mood AS ENUM ('fine')`)
	db := openDB(t, url)
	writes, reads := build(t, registry.Config{DB: db}, nil), build(t, registry.Config{DB: db, ReadOnly: true}, nil)
	const one, two = "Result 1:\n| n |\n| --- |\n| 1 |\n\n1 row.", "Result 2:\n| n |\n| --- |\n| 2 |\n\n1 row."
	for _, c := range []struct {
		name, args     string
		readOnly, fail bool
		want           []string
		lacks          string
	}{
		{"results", `{"sql": "SELECT 1 AS n; SELECT 2 AS n; "}`, true, false, []string{one + "\n\n" + two}, "Result 3"},
		{"one with a semicolon", `{"sql": " SELECT 1 AS n ; -- ;"}`, true, false, []string{"| n |\n| --- |\n| 1 |\n\n1 row."}, "Result"},
		{"a type that nobody has asked for yet", `{"sql": "SELECT 'fine'::mood AS n; SELECT ARRAY['fine']::mood[] AS m"}`, true, false, []string{"| fine |", "Result 2:\n| m |\n| --- |\n| {fine} |"}, ""},
		{"an error after reads", `{"sql": "SELECT 1 AS n;\nSELECT 2 AS n;\n  SELECT nte FROM jobs; SELECT 4"}`, true, true,
			[]string{one, two, `statement 3: column "nte" does not exist (line 3, column 10). Did you mean note?`}, "undone"},
		{"an error at once", `{"sql": "SELECT 1 / 0; SELECT 2"}`, false, true, []string{"statement 1: division by zero"}, "Result"},
		{"json", `{"sql": "SELECT 1 AS n; SELECT 2 AS n", "format": "json"}`, true, false, []string{`{"results":[{"items":[{"n":1}]},{"items":[{"n":2}]}]}`}, "Result"},
		{"csv", `{"sql": "SELECT 1 AS n; SELECT 2 AS n", "format": "csv"}`, true, false, []string{"Result 1:\nn\n1\n\nResult 2:\nn\n2"}, ""},
		{"row limits", `{"sql": "SELECT generate_series(1, 9) AS n; SELECT 2 AS n", "row_limit": 2}`, true, false, []string{"2 rows shown, there are more", two}, "| 3 |"},
		{"writes", `{"sql": "INSERT INTO jobs VALUES (3); UPDATE jobs SET note = 'b' WHERE id > 1 RETURNING id; SELECT count(*) AS n FROM jobs WHERE note = 'b'"}`, false, false,
			[]string{"Result 1:\nINSERT: 1 row affected.", "Result 2:\n| id |", "Result 3:\n| n |\n| --- |\n| 2 |"}, ""},
		{"a write that fails", `{"sql": "SELECT 1 AS n; DELETE FROM jobs; INSERT INTO jobs VALUES (1), (1)"}`, false, true,
			[]string{one, `statement 3: duplicate key value violates unique constraint "jobs_pkey": all statements of the call were undone`}, "Result 2"},
		{"was undone", `{"sql": "SELECT count(*) AS n FROM jobs"}`, true, false, []string{"| 3 |"}, ""},
		{"a write in read-only mode", `{"sql": "SELECT 1 AS n; DELETE FROM jobs"}`, true, true, []string{"statement 2: "}, "Result"},
		{"what is refused alone", `{"sql": "SELECT 1 AS n; COMMIT"}`, false, true, []string{"statement 2: COMMIT has no effect"}, "Result"},
		{"a setting", `{"sql": "SET search_path = x; SELECT 1"}`, false, true, []string{"statement 1: SET has no effect"}, "Result"},
		{"a syntax error", `{"sql": "SELECT 1 AS n;\nSELCT 2"}`, false, true, []string{one, `statement 2: syntax error at or near "SELCT" (line 2, column 1). Did you mean SELECT?`}, "undone"},
		{"parameters", `{"sql": "SELECT 1 AS n; SELECT $1::int + $2 AS n", "parameters": [1, "1"]}`, true, false, []string{one, two}, ""},
		{"parameters of the first", `{"sql": "SELECT $1::int AS n; SELECT 2 AS n", "parameters": [1]}`, true, false, []string{one, two}, ""},
		{"parameters of two", `{"sql": "SELECT $1::int; SELECT $1::int", "parameters": [1]}`, true, true, []string{"parameters: two of the statements have placeholders: want $1, $2, ... in one of them"}, "Result"},
		{"an array", `{"sql": "SELECT 1; SELECT $1::int[]", "parameters": [[1]]}`, true, true, []string{"parameters: one is an array, or they are more than 32 KiB: want the statement that takes them in a call of its own"}, "Result"},
		{"too many", `{"sql": "` + strings.Repeat("SELECT 1; ", 21) + `"}`, true, true, []string{"sql: holds 21 statements, more than the maximum 20"}, "Result"},
	} {
		r := writes
		if c.readOnly {
			r = reads
		}
		res, err := r.Call(t.Context(), "query", []byte(c.args))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(res.Texts, "\n\n")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: query(%s) = %s, want %s in it", c.name, c.args, got, want)
			}
		}
		if (res.Err != nil) != c.fail || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("%s: query(%s) = %s, want no %s, and an error: %v", c.name, c.args, got, c.lacks, c.fail)
		}
	}
}

// TestReplyFitsHosts: a table in Markdown has about 25,000 characters, and says in each value and below what is missing.
func TestReplyFitsHosts(t *testing.T) {
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), ReadOnly: true}, nil)
	for _, c := range []struct {
		args, want  string
		least, most int
	}{
		{`{"sql": "SELECT g, repeat('x|', 3000) AS t FROM generate_series(1, 3) AS g"}`, "x\\|x... (511 cut) |", 24_000, 25_000},
		{`{"sql": "SELECT g, repeat('é', 3000) AS t FROM generate_series(1, 30) AS g"}`, "| 30 | ééé", 12_000, 25_000},
		{`{"sql": "SELECT g, repeat('x', 6000) AS t FROM generate_series(1, 30) AS g"}`, " cut) |\n\n30 rows. Values were cut at 8", 24_000, 25_000},
		{`{"sql": "SELECT g, repeat('x', 6000) AS t FROM generate_series(1, 400) AS g"}`, " cut) |\n\n400 rows. Values were cut at ", 24_000, 25_000},
		{`{"sql": "SELECT g, md5(g::text) AS a, md5(g::text) AS b FROM generate_series(1, 450) AS g"}`,
			"rows shown, there are more: the answer reached its limit of 25000 characters. Select fewer or shorter columns", 24_000, 25_000},
		{`{"sql": "SELECT g, md5(g::text) AS a, md5(g::text) AS b FROM generate_series(1, 450) AS g", "row_limit": 450}`, "\n\n450 rows.", 33_000, 36_000},
		{`{"sql": "SELECT g, repeat('x', 600) AS t FROM generate_series(1, 600) AS g", "row_limit": 1000}`, "xx |\n\n600 rows.", 360_000, 370_000},
		{`{"sql": "SELECT g, repeat('x', 6000) AS t FROM generate_series(1, 40) AS g", "format": "csv"}`, "40,xxx", 240_000, 250_000},
		{`{"sql": "SELECT 1 AS a; SELECT repeat('x', 30000) AS t; SELECT 3 AS b"}`, "Result 3:\n| b |", 12_000, 25_000},
		{`{"sql": "SELECT 96 / 5::numeric AS a, 1 / 3::numeric AS b, 7::numeric(30, 20) AS c, 1.50 AS d, avg(g) AS e FROM generate_series(1, 3) AS g"}`,
			"| 19.2 | 0.33333333333333333333 | 7 | 1.50 | 2 |", 0, 300},
	} {
		res, err := r.Call(t.Context(), "query", []byte(c.args))
		if err != nil || res.Err != nil {
			t.Fatal(err, res.Texts)
		}
		got := strings.Join(res.Texts, "\n")
		if n := len([]rune(got)); !strings.Contains(got, c.want) || n < c.least || n > c.most {
			t.Errorf("query(%s) has %d characters, ends in %s, want %s in it", c.args, n, got[max(0, len(got)-300):], c.want)
		}
	}
}
