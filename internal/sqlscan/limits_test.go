package sqlscan_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/sqlscan"
)

func TestGate(t *testing.T) {
	repeat := strings.Repeat
	tests := []struct{ name, sql, want string }{
		{"longest", "SELECT '" + repeat("x", 1000-9) + "'", ""},
		{"too long", repeat(" ", 1001), "is 1001 bytes, more than the maximum 1000"},
		{"not UTF-8", "SELECT '\xff'", "is not valid UTF-8"},
		{"UTF-8 of a surrogate", "SELECT '\xed\xa0\x80'", "is not valid UTF-8"},
		{"NUL", "SELECT 1\x00; DROP TABLE t", "holds a NUL character, which PostgreSQL can't store"},
		{"comments 8 deep", repeat("/* ", 8) + repeat("*/", 8), ""},
		{"comments 9 deep", repeat("/* ", 9) + repeat("*/", 9), "comments are nested 9 deep, more than the maximum 8"},
		{"256 signs", repeat("+", 256), ""},
		{"257 signs", repeat("+", 257), "has 257 operator characters in a row, more than the maximum 256"},
	}
	for _, test := range tests {
		got := ""
		if _, err := sqlscan.CheckLimits(test.sql, 1000); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: CheckLimits = %q, want %q", test.name, got, test.want)
		}
	}
}

// What nests by itself is counted, what is a list is not.
func TestGateOfNesting(t *testing.T) {
	const n = 10_000
	repeat := strings.Repeat
	denied := map[string]string{
		"a chain of operators":            "SELECT 1" + repeat("+1", n/2),
		"a chain of casts":                "SELECT 1" + repeat("::a", n/2),
		"parentheses":                     "SELECT " + repeat("(", n) + "1" + repeat(")", n),
		"open parentheses":                "SELECT " + repeat("(", n),
		"brackets":                        "SELECT " + repeat("a[", n) + "1" + repeat("]", n),
		"signs":                           "SELECT " + repeat("- ", n) + "1",
		"joins":                           "SELECT FROM a" + repeat(" NATURAL JOIN a", n/3),
		"set operations":                  "SELECT 1, 2" + repeat(" UNION SELECT 1, 2", n),
		"set operations behind lists":     "TABLE a" + repeat(" EXCEPT VALUES (1), (2)", n),
		"a chain in a list":               "SELECT 1, 2" + repeat("+1", n/2) + ", 3",
		"a chain before a list":           "SELECT 1" + repeat("+1", n/2) + repeat(", 3", n),
		"a chain on a chain":              "SELECT (1" + repeat("+1", n/4) + ")" + repeat("+1", n/4),
		"a chain on a list on a chain":    "SELECT f(1" + repeat("+1", n/4) + ", 2)" + repeat("+1", n/4),
		"a chain in brackets":             "SELECT f(1, a[1" + repeat("+1", n/2) + "], 2)",
		"comments do not hide it":         "SELECT 1" + repeat("/**/+/**/1", n/2),
		"nor do strings":                  "SELECT ','" + repeat("||','", n/2),
		"nor do quoted names":             `SELECT ","` + repeat(`||","`, n/2),
		"nor do unbalanced parentheses":   "SELECT " + repeat(")", n),
		"columns that are assigned twice": "UPDATE t SET (a" + repeat(",a", 1000) + ") = (SELECT 1" + repeat(",1", 1000) + ")",
		"columns within columns":          repeat("WITH a AS (UPDATE t SET (a, a, a, a, a, a, a, a) = (", 10) + "SELECT 1" + repeat(")) SELECT 1", 10),
		"columns behind others":           "UPDATE t SET b = 1, ( /* */ a" + repeat(",a", 1000) + " ) /* */ =(SELECT 1" + repeat(",1", 1000) + ")",
	}
	for name, sql := range denied {
		var limit *sqlscan.LimitError
		if _, err := sqlscan.Analyze(sql); !errors.As(err, &limit) {
			t.Errorf("%s: Analyze = %v, want a LimitError", name, err)
		}
	}
	allowed := map[string]string{
		"a list":         "SELECT 1" + repeat(",1", n),
		"an IN list":     "SELECT 1 IN (1" + repeat(",1", n) + ")",
		"VALUES":         "VALUES (1)" + repeat(",(1)", n),
		"many operators": "SELECT 1" + repeat(",1+1+1", n),
		"short chain":    "SELECT 1" + repeat("+1", 4900),
		"some columns":   "UPDATE t SET (a, b, c) = (SELECT 1" + repeat(",1", 1000) + ")",
		"comparisons":    "SELECT (a, b) = (c, d)" + repeat(", (a, b) = (c, d)", 500),
	}
	for name, sql := range allowed {
		if _, err := sqlscan.Analyze(sql); err != nil {
			t.Errorf("%s: Analyze = %v", name, err)
		}
	}
}

// shapes make SQL that is as deep or as broad as can be: head, then open n times, middle, close n times, tail.
var shapes = []struct{ head, open, middle, close, tail string }{
	{"SELECT 1", "+1", "", "", ""}, {"SELECT a", "+a", "", "", ""}, {"SELECT ''", "||''", "", "", ""}, {"SELECT a", "::a", "", "", ""},
	{"SELECT a", " COLLATE a", "", "", ""}, {"SELECT a", " AT LOCAL", "", "", ""}, {"SELECT a", " AT TIME ZONE a", "", "", ""},
	{"SELECT a", " OPERATOR(a.+)a", "", "", ""}, {"SELECT a", " IS JSON", "", "", ""}, {"SELECT a", " AND a OR a", "", "", ""},
	{"SELECT", " UNION SELECT", "", "", ""}, {"SELECT", " INTERSECT SELECT", "", "", ""}, {"TABLE a", " EXCEPT TABLE a", "", "", ""},
	{"SELECT 1,1", " UNION SELECT 1,1", "", "", ""}, {"VALUES(1),(1)", " UNION VALUES(1),(1)", "", "", ""},
	{"SELECT FROM a", " CROSS JOIN a", "", "", ""}, {"SELECT FROM a", " NATURAL JOIN a", "", "", ""}, {"SELECT FROM ", "a JOIN ", "a", " ON a", ""},
	{"SELECT FROM ", "(", "a", " JOIN a ON a)", ""}, {"SELECT ", "(", "a", " ISNULL)", ""}, {"SELECT ", "(", "a", ")", ""},
	{"SELECT ", "(", "a", " IS DISTINCT FROM a)", ""}, {"SELECT ", "(", "a", ").a", ""}, {"SELECT ", "(", "a", ")::a", ""},
	{"SELECT ", "NOT ", "a", "", ""}, {"SELECT ", "- ", "a", "", ""}, {"SELECT ", "~ ", "a", "", ""}, {"SELECT ", "a(", "a", ")", ""},
	{"", "SELECT(", "SELECT", ")", ""}, {"", "SELECT FROM(", "SELECT", ")", ""}, {"", "SELECT 1,(", "SELECT", ")", ""},
	{"", "VALUES((", "SELECT", "))", ""}, {"SELECT ARRAY", "[", "a", "]", ""}, {"SELECT ", "a[", "a", "]", ""}, {"SELECT ", "(a,", "a", ")", ""},
	{"SELECT ", "CASE WHEN a THEN ", "a", " END", ""}, {"SELECT ", "CASE ", "a", " WHEN a THEN a END", ""}, {"SELECT ", "a IN(", "a", ")", ""},
	{"", "WITH a AS(", "SELECT", ")SELECT", ""}, {"", "SELECT WHERE EXISTS(", "SELECT", ")", ""}, {"SELECT ", "a()FILTER(WHERE ", "a", ")", ""},
	{"SELECT ", "a()OVER(ORDER BY ", "a", ")", ""}, {"SELECT ", "a LIKE(", "a", ")", ""}, {"SELECT ", "a=ANY(", "a", ")", ""}, {"SELECT ", "a::a(", "a", ")", ""},
	{"SELECT ", "JSON(", "''", ")", ""}, {"SELECT ", "JSON_OBJECT(a:", "a", ")", ""}, {"SELECT ", "JSON_ARRAY(", "a", ")", ""}, {"SELECT ", "XMLCONCAT(", "a", ")", ""},
	{"SELECT ", "XMLELEMENT(NAME a,", "a", ")", ""}, {"SELECT FROM JSON_TABLE(a,'' COLUMNS(", "NESTED '' COLUMNS(", "a a", ")", "))"},
	{"", "WITH a AS(DELETE FROM a WHERE(", "SELECT", "))SELECT", ""}, {"", "WITH a AS(UPDATE a SET(a,a)=(", "SELECT", "))SELECT", ""},
	{"UPDATE a SET(", "a,", "a)=(", "a,", "a)"}, {"UPDATE a SET ", "(a,a)=(SELECT 1,1),", "a=1", "", ""}, {"MERGE INTO a USING a ON a ", "WHEN MATCHED THEN DELETE ", "", "", ""},
	{"VALUES(1)", ",(1)", "", "", ""}, {"SELECT 1", ",1", "", "", ""}, {"SELECT a", ",a.a", "", "", ""}, {"SELECT a", ",a::a", "", "", ""}, {"SELECT FROM a", ",a", "", "", ""},
	{"SELECT FROM ROWS FROM(", "a(),", "a()", "", ")"}, {"SELECT a(", "a=>a,", "a", "", ")"}, {"WITH a AS(SELECT)", ",a AS(SELECT)", "SELECT FROM a", ",a", ""},
	{"SELECT", ";SELECT", "", "", ""}, {"", ";", "", "", ""}, {"SELECT 1", "/**/ ", "", "", ""}, {"SELECT 1 ", "--\n", "", "", ""}, {"SELECT ''", "\n''", "", "", ""}, {"SELECT ", "$a$ $b$ ", "", "", ""},
	{"ALTER TABLE a ALTER a SET DEFAULT 1", "+1", "", "", ""}, {"CREATE TABLE a(a int", " CHECK(a)", "", "", ")"}, {"CREATE SCHEMA a", " CREATE TABLE a()", "", "", ""},
	{"CREATE RULE a AS ON INSERT TO a DO(SELECT", ";SELECT", "", "", ")"}, {"DO '", "x", "", "", "'"}, {"DROP TABLE a", ",a", "", "", ""}, {"GRANT SELECT ON a TO a", ",a", "", "", ""},
	{"CREATE FUNCTION a() RETURNS a BEGIN ATOMIC ", "SELECT 1;", "", "", "END"}, {"CREATE FUNCTION a() RETURNS a RETURN a", "+a", "", "", ""},
}

// worst is the largest SQL of a shape that the gate lets through.
func worst(i, maxBytes int) string {
	s := shapes[i]
	sql := func(n int) string {
		return s.head + strings.Repeat(s.open, n) + s.middle + strings.Repeat(s.close, n) + s.tail
	}
	n := sort.Search(maxBytes/len(s.open+s.close), func(n int) bool {
		_, err := sqlscan.CheckLimits(sql(n+1), maxBytes)
		return err != nil
	})
	return sql(n)
}

// TestWorstShapesChild is no test of its own: the test below runs it in processes with stacks of several sizes, where a
// crash of the parser is a failure and not the end of all tests.
func TestWorstShapesChild(t *testing.T) {
	maxBytes, err := strconv.Atoi(os.Getenv("SQLSCAN_SHAPES"))
	if err != nil {
		t.Skip("is run by TestWorstShapes")
	}
	for i, shape := range shapes {
		sql := worst(i, maxBytes)
		start := time.Now()
		_, err := sqlscan.Analyze(sql)
		t.Logf("%6d bytes in %8v of %s%s...: %.80v", len(sql), time.Since(start).Round(time.Microsecond), shape.head, shape.open, err)
	}
}

func TestWorstShapes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has no ulimit")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for kib, maxBytes := range map[string]int{"192": 32 << 10, "1024": 32 << 10, "8192": sqlscan.MaxBytes, "unlimited": 32 << 10} {
		t.Run(kib, func(t *testing.T) {
			child := exec.Command("sh", "-c", `ulimit -s "$1" 2>/dev/null || exit 77; exec "$2" -test.run '^TestWorstShapesChild$' -test.v`, "sh", kib, self)
			child.Env = append(os.Environ(), fmt.Sprint("SQLSCAN_SHAPES=", maxBytes))
			out, err := child.CombinedOutput()
			if child.ProcessState.ExitCode() == 77 {
				t.Skipf("the system does not allow a stack of %s KiB", kib)
			}
			if err != nil {
				t.Errorf("child ended by %v:\n%s", err, out[max(0, len(out)-2000):])
			}
			t.Logf("%s", out)
		})
	}
}
