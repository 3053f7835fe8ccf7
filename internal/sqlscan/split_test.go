package sqlscan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT 1", []string{"SELECT 1"}},
		{"SELECT 1;", []string{"SELECT 1;"}},
		{" SELECT 1 ; -- done", []string{" SELECT 1 ; -- done"}},
		{"", []string{""}},
		{";;", []string{";;"}},
		{"SELECT 1; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"SELECT 1;;\n/* b */ SELECT 2;\n-- end\n", []string{"SELECT 1", "SELECT 2"}},
		{"SELECT ';', $$;$$, \";\" FROM t; SELECT E'\\';'", []string{"SELECT ';', $$;$$, \";\" FROM t", "SELECT E'\\';'"}},
		{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT f()",
			[]string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", "SELECT f()"}},
		{"CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b); SELECT 1", []string{"CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)", "SELECT 1"}},
		{"SELECT 'ä'; SELECT 'ö' AS \"ü\"", []string{"SELECT 'ä'", "SELECT 'ö' AS \"ü\""}},
		// What the grammar does not know is cut at the semicolons: PostgreSQL takes one statement at a time, and says what is wrong.
		{"SELECT 1; SELCT 2; SELECT 3", []string{"SELECT 1", "SELCT 2", "SELECT 3"}},
	} {
		var got []string
		for _, p := range sqlscan.Split(c.sql) {
			got = append(got, p.SQL)
			if c.sql[p.Start:p.Start+len(p.SQL)] != p.SQL {
				t.Errorf("Split(%q) has %q at %d", c.sql, p.SQL, p.Start)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Split(%q) (-want +got):\n%s", c.sql, diff)
		}
	}
}
