package sqlscan

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pganalyze/pg_query_go/v6/parser"
)

// FuzzAnalyze looks for SQL that gets through the gate and takes the parser more than the gate thought, or that the parser
// and the lexer read differently.
func FuzzAnalyze(f *testing.F) {
	for _, sql := range seeds(f) {
		f.Add(sql)
	}
	f.Fuzz(checkAnalysis)
}

// TestSpliced is the same for statements made of pieces of others, which reach deeper into the grammar than bytes do.
func TestSpliced(t *testing.T) {
	all := seeds(t)
	r := rand.New(rand.NewPCG(1, 2))
	piece := func() string {
		sql := all[r.IntN(len(all))]
		tokens := Lex(sql)
		from := r.IntN(len(tokens))
		to := from + 1 + r.IntN(len(tokens)-from)
		return sql[tokens[from].Start:tokens[to-1].End]
	}
	for range spliced {
		sql := all[r.IntN(len(all))]
		for range 1 + r.IntN(3) {
			at := Lex(sql)
			token := at[r.IntN(len(at))]
			sql = sql[:token.Start] + piece() + sql[token.End:]
		}
		if checkAnalysis(t, sql); t.Failed() {
			t.Fatalf("of %q", sql)
		}
	}
}

const spliced = 3000

// seeds are the statements of testdata.
func seeds(t testing.TB) []string {
	var all []string
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range strings.Split(string(data), "\n\n") {
			if sql, _, ok := strings.Cut(entry, "\n---"); ok {
				all = append(all, sql)
			}
		}
	}
	return all
}

func checkAnalysis(t *testing.T, sql string) {
	m, err := CheckLimits(sql, MaxBytes)
	if err != nil {
		return
	}
	s := measureShape(sql)
	json, err := parser.ParseToJSON(sql)
	if limit := 200*s.expanded + 4096; len(json) > limit {
		t.Errorf("the tree of %d bytes of SQL has %d bytes, want at most %d", len(sql), len(json), limit)
	}
	st, analyzed := Analyze(sql)
	if err != nil {
		if analyzed == nil {
			t.Errorf("Analyze took what the parser refuses: %v", err)
		}
		return
	}
	root, err := decode(json)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if deep, limit := root.depth(), 4*s.nesting+20; deep > limit {
		t.Errorf("the tree is %d deep, want at most %d for %d nested tokens", deep, limit, s.nesting)
	}
	if analyzed != nil {
		return
	}
	checkPositions(t, st, positions(sql)(len(sql)))
	walked := []string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"}
	if diff := cmp.Diff(m.Placeholders, st.Params, cmpopts.EquateEmpty()); diff != "" && slices.Contains(walked, st.Command) {
		t.Errorf("placeholders (-lexer +parser):\n%s", diff)
	}
}

// depth counts the nodes on the way to the deepest.
func (n *node) depth() int {
	deepest := 0
	for k := n.first; k != nil; k = k.next {
		deepest = max(deepest, k.depth())
	}
	if n.kind != "" {
		deepest++
	}
	return deepest
}

func checkPositions(t *testing.T, st *Statement, end int) {
	t.Helper()
	for _, r := range st.Relations {
		if r.Position < 1 || r.Position > end || r.Name == "" {
			t.Errorf("relation %+v, want a name and a position of 1 to %d", r, end)
		}
	}
	for _, o := range slices.Concat(st.Functions, st.Operators, st.Types, st.Constructs) {
		if o.Position < 0 || o.Position > end || o.Name == "" {
			t.Errorf("object %+v, want a name and a position of 0 to %d", o, end)
		}
	}
}
