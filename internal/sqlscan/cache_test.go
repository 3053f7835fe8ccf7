package sqlscan_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"mcp-postgres/internal/sqlscan"
)

// known reports whether a remembers sql: what it remembers is one Statement for all.
func known(t *testing.T, a *sqlscan.Analyzer, sql string, before *sqlscan.Statement) bool {
	t.Helper()
	st, err := a.Analyze(sql)
	if err != nil {
		t.Fatal(err)
	}
	return st == before
}

func TestAnalyzerRemembersTheLastStatements(t *testing.T) {
	a := sqlscan.NewAnalyzer(2)
	first, _ := a.Analyze("SELECT 1")
	if !known(t, a, "SELECT 1", first) {
		t.Error("SELECT 1 is not remembered")
	}
	if known(t, a, "SELECT 1 ", first) {
		t.Error("another text is taken for SELECT 1")
	}
	a.Analyze("SELECT 2")
	a.Analyze("SELECT 3")
	if known(t, a, "SELECT 1", first) {
		t.Error("SELECT 1 is remembered beyond two others")
	}
}

func TestAnalyzerIsBoundedInBytes(t *testing.T) {
	a := sqlscan.NewAnalyzer(1000)
	first, _ := a.Analyze("SELECT 1")
	for i := range 10 {
		a.Analyze(fmt.Sprintf("SELECT '%d%s'", i, strings.Repeat("x", 120_000)))
	}
	if known(t, a, "SELECT 1", first) {
		t.Error("SELECT 1 is remembered beyond a mebibyte of others")
	}
}

func TestAnalyzerDoesNotRememberErrors(t *testing.T) {
	a := sqlscan.NewAnalyzer(1)
	first, _ := a.Analyze("SELECT 1")
	if _, err := a.Analyze("SELEC 1"); err == nil {
		t.Error("Analyze(SELEC 1) gives no error")
	}
	if !known(t, a, "SELECT 1", first) {
		t.Error("an error took the place of SELECT 1")
	}
}

func TestAnalyzerIsConcurrent(t *testing.T) {
	a := sqlscan.NewAnalyzer(4)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 50 {
				sql := fmt.Sprintf("SELECT * FROM t%d", (i+j)%6)
				if st, err := a.Analyze(sql); err != nil || st.Relations[0].Name != sql[len("SELECT * FROM "):] {
					t.Errorf("Analyze(%q) = %+v, %v", sql, st, err)
				}
			}
		})
	}
	group.Wait()
}
