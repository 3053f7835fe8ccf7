package sqlscan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

func TestNames(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"", ""},
		{"SELECT a.B , \"C d\" . \"e\"\"f\"", `select|a.b|C d.e"f`},
		{"a./**/b.c.*, x[1].y", "a.b.c|x|y"},
		{"'a.b' $$c$$ -- d\n1.e $1.f GRÖSSE", "e|f|grÖsse"},
		{`U&"x".y`, "x.y"},
		{`a."open`, "a"},
	}
	for _, tt := range tests {
		var got []string
		for _, n := range sqlscan.Names(tt.sql) {
			got = append(got, n.String())
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("Names(%q) = %s, want %s", tt.sql, g, tt.want)
		}
	}
}

func TestNamePlace(t *testing.T) {
	const sql = "é = public . \"T\""
	n := sqlscan.Names(sql)[1]
	if diff := cmp.Diff([]sqlscan.Part{{"public", 5, 11}, {"T", 14, 17}}, n.Parts); diff != "" {
		t.Errorf("parts of the second of Names(%q) (-want +got):\n%s", sql, diff)
	}
	for offset, want := range map[int]bool{4: false, 5: true, 12: true, 16: true, 17: false} {
		if got := n.Covers(offset); got != want {
			t.Errorf("Covers(%d) of %s = %t, want %t", offset, n, got, want)
		}
	}
}

func TestSources(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"SELECT a, b FROM t", "t"},
		{"SELECT a x, b FROM s.t AS x, u y, LATERAL v, ONLY w WHERE a, b", "s.t x|u y|v|w"},
		{"SELECT 1 FROM a LEFT JOIN b ON a.x = b.x, c JOIN d USING (x) ORDER BY e, f", "a|b|c|d"},
		{"UPDATE a u SET b = 1, c = 2 FROM d", "a u|d"},
		{"INSERT INTO a DEFAULT VALUES", "a"},
		{"INSERT INTO a (b, c) SELECT d, e FROM f g", "a|f g"},
		{"DELETE FROM a USING b c", "a|b c"},
		{"SELECT 1 FROM (SELECT 2 FROM a b) c", "a b"},
		{"FROM", ""},
	}
	for _, tt := range tests {
		var got []string
		for _, s := range sqlscan.Sources(sqlscan.Names(tt.sql)) {
			got = append(got, strings.TrimSpace(s.Name.String()+" "+s.Alias))
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("Sources(%q) = %s, want %s", tt.sql, g, tt.want)
		}
	}
}
