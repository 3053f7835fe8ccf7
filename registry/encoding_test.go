package registry_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestEncodingOfTheDatabase: every tool works in a database that has no character of Unicode beyond Latin-1. The SQL of a tool
// is sent with each call, so one such character in it would be an error of every call.
func TestEncodingOfTheDatabase(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	pgtest.Exec(t, c.AdminURL(), "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	conf, err := pgx.ParseConfig(c.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(c.AdminURL(), "/"+conf.Database, "/latin", 1)
	utf8 := url + "?client_encoding=UTF8"
	if strings.Contains(url, "?") {
		utf8 = url + "&client_encoding=UTF8"
	}
	pgtest.Exec(t, utf8, `CREATE SCHEMA shop; CREATE TABLE shop.maße (id int PRIMARY KEY, größe text); COMMENT ON COLUMN shop.maße.größe IS 'für Menschen';
		INSERT INTO shop.maße SELECT n, '£ ' || n FROM generate_series(1, 100) AS n; ANALYZE shop.maße`)
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Notes: loadNotes(t, "shop.maße: Über alles")}, nil, allSets...)
	args := argsOf("shop.maße")
	for _, tool := range embeddedTools(t) {
		if len(tool.Requires.Extensions) > 0 {
			continue
		}
		for _, args := range append(args[tool.Name], "{}") {
			if got, _ := call(t, r, tool.Name, args); strings.Contains(got, "22P05") {
				t.Errorf("%s %s = %s", tool.Name, args, got)
			}
		}
	}
	for uri, want := range map[string]string{"schema://shop": "TABLE \\\"maße\\\" ~100: Über alles\\n  id int PK, \\\"größe\\\" text ~{'£ 99'|'£ 9'|'£ 999'} (für Menschen)", "table://shop/ma%C3%9Fe": "£ 20"} {
		if got := ask(t, r, "resources/read", `{"uri": "`+uri+`"}`); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s in it", uri, got, want)
		}
	}
	if got, _ := call(t, r, "query", `{"sql": "SELECT gröse FROM shop.maße"}`); !strings.Contains(got, "größe") {
		t.Errorf("query of a misspelt column = %s, want the column", got)
	}
}
