package sqlscan_test

import (
	_ "embed"
	"testing"

	"mcp-postgres/internal/sqlscan"
)

//go:embed testdata/bench.sql
var report string

func BenchmarkAnalyze(b *testing.B) {
	for _, bench := range []struct {
		name    string
		sql     string
		analyze func(string) (*sqlscan.Statement, error)
	}{
		{"SELECT 1", "SELECT 1", sqlscan.Analyze},
		{"30 lines", report, sqlscan.Analyze},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bench.analyze(bench.sql); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
