package sqlscan_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

func TestMeasure(t *testing.T) {
	tests := []struct {
		sql  string
		want sqlscan.Measures
	}{
		{"", sqlscan.Measures{}},
		{"SELECT 1 + 2 -- /* /*", sqlscan.Measures{OperatorRun: 1}},
		{"/* a */ SELECT '/*/*/*' /* b /* c */ */ || \"/*/*/*\"", sqlscan.Measures{CommentDepth: 2, OperatorRun: 2}},
		{"/* /* /* open", sqlscan.Measures{CommentDepth: 3, OperatorRun: 2}},
		{"$$ /*/* $$ E'\\' /*/*' @E'\\' /*/*'", sqlscan.Measures{OperatorRun: 1}},
		{"/**//**//**/", sqlscan.Measures{CommentDepth: 1, OperatorRun: 12}},
		{"/* -++++++ */ 1 <=> 2", sqlscan.Measures{CommentDepth: 1, OperatorRun: 3}},
		{"SELECT ---------", sqlscan.Measures{}},
		{"SELECT +-+-+1", sqlscan.Measures{OperatorRun: 5}},
		{"SELECT $2, $1, $2, '$3', $$ $4 $$, a$5, \"$6\" /* $7 */", sqlscan.Measures{Placeholders: []int{1, 2}, CommentDepth: 1, OperatorRun: 2}},
		{"SELECT $0, $007, $200000000, $99999999999999999999", sqlscan.Measures{Placeholders: []int{0, 7, 200000000, math.MaxInt}}},
		{"SELECT @$1", sqlscan.Measures{Placeholders: []int{1}, OperatorRun: 1}},
		{"/**/ CREATE FUNCTION f(int) RETURNS int RETURN $1", sqlscan.Measures{CommentDepth: 1, OperatorRun: 4, Placeholders: []int{1}, Routine: true}},
		{"create or replace procedure p() begin atomic end", sqlscan.Measures{Routine: true}},
		{"CREATE VIEW function AS SELECT 1", sqlscan.Measures{}},
		{"CREATE FUNCTIONS", sqlscan.Measures{}},
		{"SELECT create function", sqlscan.Measures{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, sqlscan.Measure(tt.sql)); diff != "" {
			t.Errorf("Measure(%q) (-want +got):\n%s", tt.sql, diff)
		}
	}
}

// TestMeasureQuick has what takes PostgreSQL's lexer seconds.
func TestMeasureQuick(t *testing.T) {
	for _, part := range []string{"/*", "/**/", "+", "+-", "$1 ", "$1", "1_", "'", "$a$", "@"} {
		sql := "SELECT " + strings.Repeat(part, 40_000/len(part))
		quickest := time.Hour
		for range 5 {
			start := cpuTime(t)
			sqlscan.Measure(sql)
			quickest = min(quickest, cpuTime(t)-start)
		}
		if quickest > 20*time.Millisecond {
			t.Errorf("Measure of %q repeated to 40 KB took %v, want less than 20ms", part, quickest)
		}
	}
}

func BenchmarkMeasure(b *testing.B) {
	for name, sql := range map[string]string{
		"nested": strings.Repeat("/*", 20_000),
		"query":  "SELECT c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.created_at > $1 GROUP BY 1",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sqlscan.Measure(sql)
			}
		})
	}
}

func FuzzMeasure(f *testing.F) {
	for _, sql := range []string{"SELECT $1 /* /**/ */", "1_E'\\''$1", "@E'\\' $a$ $a$"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if m := sqlscan.Measure(sql); m.OperatorRun > len(sql) || 2*m.CommentDepth > len(sql) || 2*len(m.Placeholders) > len(sql) {
			t.Errorf("Measure(%q) = %+v, more than it can hold", sql, m)
		}
		for name, lex := range both {
			end := 0
			for _, tok := range lex(sql) {
				if tok.Start != end || tok.End <= tok.Start {
					t.Fatalf("%s(%q) has a token at %d to %d, want it to start at %d", name, sql, tok.Start, tok.End, end)
				}
				end = tok.End
			}
			if end != len(sql) {
				t.Errorf("%s(%q) ends at %d, want %d", name, sql, end, len(sql))
			}
		}
		names := sqlscan.Names(sql)
		sqlscan.Sources(names)
	})
}
