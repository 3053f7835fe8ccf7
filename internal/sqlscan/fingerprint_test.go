package sqlscan_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/sqlscan"
)

func TestFingerprint(t *testing.T) {
	print := func(sql string) string {
		t.Helper()
		p, err := sqlscan.Fingerprint(sql)
		if err != nil || p == "" {
			t.Fatalf("Fingerprint(%q) = %q, %v", sql, p, err)
		}
		return p
	}
	one := print("SELECT id FROM orders WHERE id = 1")
	if got := print("select id\nfrom orders where id = 22 -- mine"); got != one {
		t.Errorf("other constants and layout: %s, want %s", got, one)
	}
	if got := print("SELECT id FROM payments WHERE id = 1"); got == one {
		t.Errorf("another table has the same fingerprint %s", got)
	}
	for _, sql := range []string{"SELECT FROM WHERE", strings.Repeat("/*", 100) + strings.Repeat("*/", 100) + "SELECT 1", "SELECT '\xff'"} {
		if got, err := sqlscan.Fingerprint(sql); err == nil {
			t.Errorf("Fingerprint(%.40q) = %s, want an error", sql, got)
		}
	}
}
