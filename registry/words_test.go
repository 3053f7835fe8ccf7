package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestWordOnTheGrammar: which syntax is read is said where another version might know what is written, and only there.
func TestWordOnTheGrammar(t *testing.T) {
	const word = "with the syntax of PostgreSQL 17"
	r := build(t, registry.Config{DB: openDB(t, pgtest.URL(t)), ReadOnly: true}, nil)
	for sql, want := range map[string]bool{
		"INSERT INTO t VALUES (1) RETURNING WITH (OLD AS o) o.id": true, "SELECT 1; SELECT 2": false, "": false, "SELECT 'open": false,
	} {
		if got, _ := call(t, r, "query", `{"sql": "`+sql+`"}`); strings.Contains(got, word) != want {
			t.Errorf("query(%s) = %s, want the word on the grammar: %v", sql, got, want)
		}
	}
}

// TestCatalogIsClosed: where the guard's own questions are refused, the answer says that it is they.
func TestCatalogIsClosed(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, "CREATE TABLE public.bills (id int); GRANT SELECT ON public.bills TO "+role+"; REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC")
	r := build(t, registry.Config{DB: openDB(t, roleURL), ReadOnly: true}, nil)
	got, isError := call(t, r, "query", `{"sql": "SELECT id FROM public.bills"}`)
	for _, want := range []string{"looked up in PostgreSQL's catalogs first, and this server's login can't: permission denied for table pg_class", "GRANT SELECT ON that catalog"} {
		if !isError || !strings.Contains(got, want) {
			t.Errorf("query = %s, want %s in it", got, want)
		}
	}
	open := build(t, registry.Config{DB: openDB(t, roleURL)}, nil)
	if got, isError := call(t, open, "query", `{"sql": "SELECT id FROM public.bills"}`); isError {
		t.Errorf("query without a guard = %s", got)
	}
}

// TestGeneratedNamesAreNotSuggested: of names that PostgreSQL makes by itself nobody thinks.
func TestGeneratedNamesAreNotSuggested(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE bills (id int NOT NULL, at date NOT NULL, CONSTRAINT bills_id_key UNIQUE (id, at)) PARTITION BY RANGE (at);
		CREATE TABLE bills_24 PARTITION OF bills FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
		CREATE TABLE lines (bill int, at date, CONSTRAINT lines_bill FOREIGN KEY (bill, at) REFERENCES bills (id, at))`)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for name, want := range map[string]string{"bills_id_kex": "bills_id_key", "lines_bil": "lines_bill", "bills_id_not_nul": "", "bills_24_id_at_kex": "", "lines_bill_": "lines_bill"} {
		got, _ := call(t, r, "get_definition", `{"name": "`+name+`"}`)
		if !strings.Contains(got, want) || strings.Contains(got, "not_null") || strings.Contains(got, "bills_24_id_at_key\"") {
			t.Errorf("get_definition(%s) = %s, want %q suggested", name, got, want)
		}
	}
}
