package guard_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
)

// decided gives what is known of a statement that nothing restricts, with no database to ask.
func decided(t *testing.T, g *guard.Guard, sql string) *sqlscan.Statement {
	t.Helper()
	p, err := g.Authorize(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return guard.StatementOf(g, p)
}

func TestMemoryKeepsTheLastStatements(t *testing.T) {
	g := guard.New(guard.Config{})
	first := decided(t, g, "SELECT 1")
	if decided(t, g, "SELECT 1") != first {
		t.Error("SELECT 1 is not remembered")
	}
	if decided(t, g, "SELECT 1 ") == first {
		t.Error("another text is taken for SELECT 1")
	}
	for i := range 1000 {
		decided(t, g, fmt.Sprintf("SELECT 2 + %d", i))
	}
	if decided(t, g, "SELECT 1") == first {
		t.Error("SELECT 1 is remembered beyond a thousand others")
	}
}

func TestMemoryIsBoundedInBytes(t *testing.T) {
	g := guard.New(guard.Config{})
	first := decided(t, g, "SELECT 1")
	for i := range 10 {
		decided(t, g, fmt.Sprintf("SELECT '%d%s'", i, strings.Repeat("x", 120_000)))
	}
	if decided(t, g, "SELECT 1") == first {
		t.Error("SELECT 1 is remembered beyond a mebibyte of others")
	}
}

func TestMemoryForgets(t *testing.T) {
	g := guard.New(guard.Config{})
	first := decided(t, g, "SELECT 1")
	if _, err := g.Authorize(t.Context(), "SELEC 1"); err != nil {
		t.Errorf("Authorize(SELEC 1) = %v, want it left to PostgreSQL", err)
	}
	if decided(t, g, "SELECT 1") != first {
		t.Error("SQL that can't be read took the place of SELECT 1")
	}
	if g.Forget(); decided(t, g, "SELECT 1") == first {
		t.Error("SELECT 1 is remembered after Forget")
	}
}

func TestMemoryIsConcurrent(t *testing.T) {
	g := guard.New(guard.Config{})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 50 {
				sql := fmt.Sprintf("SELECT * FROM t%d", (i+j)%6)
				if st := decided(t, g, sql); st.Relations[0].Name != sql[len("SELECT * FROM "):] {
					t.Errorf("Authorize(%q) knows %+v", sql, st)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkRemembered(b *testing.B) {
	g := guard.New(guard.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Authorize(b.Context(), "SELECT id, name FROM orders WHERE id = $1"); err != nil {
			b.Fatal(err)
		}
	}
}
