package plan_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/plan"
)

func TestPlans(t *testing.T) {
	text, err := os.ReadFile("testdata/plans.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Plan     string
		Tree, Findings []string
	}
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		p, err := plan.Parse([]byte(c.Plan))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		tree := p.Tree()
		for _, want := range c.Tree {
			if !strings.Contains(tree, want) {
				t.Errorf("%s: tree is\n%swant %s in it", c.Name, tree, want)
			}
		}
		kinds := []string{}
		for _, f := range p.Findings(nil) {
			kinds = append(kinds, f.Kind)
		}
		if diff := cmp.Diff(c.Findings, kinds); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", c.Name, diff)
		}
	}
	for _, bad := range []string{"", "[]", "[{}]", "{}", "[null]", `[{"Plan": null}]`, `[{"Plan": []}]`} {
		if _, err := plan.Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%s) gives no error", bad)
		}
	}
}

// TestTreeIsBounded: a plan of a thousand partitions is still short.
func TestTreeIsBounded(t *testing.T) {
	one := `{"Node Type": "Seq Scan", "Relation Name": "p", "Schema": "s", "Alias": "p", "Total Cost": 1, "Plan Rows": 1}`
	p, err := plan.Parse([]byte(`[{"Plan": {"Node Type": "Append", "Total Cost": 1000, "Plan Rows": 1000, "Plans": [` + strings.TrimSuffix(strings.Repeat(one+",", 1000), ",") + `]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if tree := p.Tree(); len(tree) > 1000 || !strings.Contains(tree, "and 997 nodes that are not shown") {
		t.Errorf("tree of 1000 partitions is\n%s", tree)
	}
}

func TestParseIndex(t *testing.T) {
	for _, c := range []struct{ sql, query, want string }{
		{"CREATE INDEX ON orders (customer_id)", "SELECT customer_id FROM orders", "CREATE INDEX ON orders ( customer_id )"},
		{`create unique index concurrently if not exists x on only "S"."T" using hash ("a b" desc nulls last, lower(b), (c || ')') text_pattern_ops) include (d, e) where f > 5 and g;`,
			`SELECT "a b", lower ( b ), ( c || ')' ), d, e FROM "S"."T" WHERE f > 5 and g`,
			`CREATE INDEX ON "S"."T" USING hash ( "a b" desc nulls last , lower ( b ) , ( c || ')' ) text_pattern_ops ) INCLUDE ( d , e ) WHERE f > 5 and g`},
		{"CREATE INDEX ON t (shop.f(a))", "SELECT shop . f ( a ) FROM t", "CREATE INDEX ON t ( shop . f ( a ) )"},
		{"CREATE INDEX ON t (a); DROP TABLE t", "", ""},
		{"CREATE TABLE t (a int)", "", ""},
		{"CREATE INDEX ON t", "", ""},
		{"CREATE INDEX ON t (a", "", ""},
		{"CREATE INDEX ON t (a) TABLESPACE x", "", ""},
		{"CREATE INDEX ON t (a) 'open", "", ""},
		{"", "", ""},
	} {
		p, ok := plan.ParseIndex(c.sql)
		if ok != (c.want != "") {
			t.Errorf("ParseIndex(%s): %v, want %v", c.sql, ok, c.want != "")
		}
		if space := strings.NewReplacer("( ", "(", " )", ")", " ,", ","); ok && (space.Replace(p.SQL()) != space.Replace(c.want) || space.Replace(p.Query()) != space.Replace(c.query)) {
			t.Errorf("ParseIndex(%s) = %s and %s, want %s and %s", c.sql, p.SQL(), p.Query(), c.want, c.query)
		}
	}
}

// FuzzConditions: whatever a plan has for conditions, it is read.
func FuzzConditions(f *testing.F) {
	for _, seed := range []string{"(a.x = 1)", "((a.x = 1) AND (lower(a.y) ~~ '%b'::text))", "(a.x = ANY ('{1,2}'::integer[])) OR (CASE WHEN a.y THEN 1 ELSE 2 END > 1)", "((", "a.", `"`, "(a.x IS NOT NULL)"} {
		f.Add(seed)
	}
	facts := &plan.Facts{Tables: []*plan.Table{{Schema: "s", Name: "t", Written: "s.t", Kind: "r", Rows: 1e6, Pages: 1e4, Analyzed: true, Columns: []*plan.Column{{Name: "x", Written: "x", Type: "integer"}}}}}
	f.Fuzz(func(t *testing.T, filter string) {
		text, _ := json.Marshal([]any{map[string]any{"Plan": map[string]any{"Node Type": "Seq Scan", "Relation Name": "t", "Schema": "s", "Alias": "a", "Filter": filter, "Total Cost": 100, "Plan Rows": 5}}})
		p, err := plan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p.Tree()
		p.Findings(facts)
		p.Candidates(facts)
	})
}
