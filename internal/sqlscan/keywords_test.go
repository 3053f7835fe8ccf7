package sqlscan_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/internal/test/pgtest"
)

// TestKeywordsOfOlderServers holds the grammar's keywords (testdata/keywords.list, from PostgreSQL 17) against the server's. What is a
// plain name to the server must be found as one: as a function where it is called, as a type where it is one.
func TestKeywordsOfOlderServers(t *testing.T) {
	db := pgtest.URL(t)
	data, err := os.ReadFile("testdata/keywords.list")
	if err != nil {
		t.Fatal(err)
	}
	const keywords = "SELECT string_agg(word || ' ' || catcode::text, E'\n' ORDER BY word COLLATE \"C\") || E'\n' FROM pg_get_keywords()"
	server := pgtest.Value(t, db, keywords)
	if version := pgtest.Value(t, db, "SHOW server_version_num"); strings.HasPrefix(version, "17") {
		want, got := strings.Fields(string(data)), strings.Fields(server)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("testdata/keywords.list is not what PostgreSQL 17 says")
		}
	}
	category := map[string]string{}
	for line := range strings.Lines(server) {
		word, code, _ := strings.Cut(strings.TrimSpace(line), " ")
		category[word] = code
	}
	for line := range strings.Lines(string(data)) {
		word, code, _ := strings.Cut(strings.TrimSpace(line), " ")
		if code == "U" || category[word] != "" && category[word] != "U" {
			continue // a name to both, or no name of a function to either
		}
		for _, args := range []string{"", "1", "1, 2", "'1', '$'", "'1', '$', 1"} {
			sql := "SELECT " + word + "(" + args + ")"
			st, err := sqlscan.Analyze(sql)
			if err == nil && !slices.ContainsFunc(st.Functions, func(f sqlscan.Object) bool { return f.Name == word && f.Schema == "" && !f.Field }) {
				t.Errorf("%s calls a function before PostgreSQL 17: it is not among %v", sql, st.Functions)
			}
		}
		for _, sql := range []string{"SELECT NULL::" + word, "SELECT " + word + " '1'", "SELECT CAST(NULL AS " + word + "[])"} {
			st, err := sqlscan.Analyze(sql)
			if err == nil && !slices.ContainsFunc(st.Types, func(f sqlscan.Object) bool { return f.Name == word && f.Schema == "" }) {
				t.Errorf("%s names a type before PostgreSQL 17: it is not among %v", sql, st.Types)
			}
		}
	}
}
