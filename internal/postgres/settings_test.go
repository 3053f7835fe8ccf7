package postgres_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// ways are those to one database: behind a proxy and an unknown pooler claims travel as SET LOCAL, to the server itself
// and behind PgBouncer as bound parameters.
func ways(t *testing.T, c *demo.Cluster) map[string]*postgres.DB {
	t.Helper()
	_, proxy := tap(t, c.AdminURL())
	through := pgtest.PgBouncer(t, c, map[string]string{"default_pool_size": "1"})
	all := map[string]*postgres.DB{}
	for name, url := range map[string]string{
		"server": c.AdminURL(), "proxy": proxy, "PgBouncer": through, "unknown pooler": through + "&pgbouncer=true",
	} {
		all[name] = open(t, url, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	}
	return all
}

// TestIdentityText has texts that would end a constant, or mean something in one: each arrives as it is, or is refused.
func TestIdentityText(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true, Settings: map[string]string{
		"standard_conforming_strings": "off", "backslash_quote": "on", "escape_string_warning": "off"}})
	pgtest.Exec(t, c.AdminURL(), "CREATE ROLE \"odd ' \"\" \\ role\"; CREATE TABLE t (id int)")
	texts := []string{
		"", "alice", "o'brien", "''", "'", `\`, `\'`, `\\'; DROP TABLE t; --`, `'; DROP TABLE t; --`, `E'\x00'`, "$1", "$$", "$a$'$a$", "/* ' */", "-- '",
		"line\nfeed\r\t", `"double"`, `U&'\0041'`, "日本語 \u2019 \U0001F600", "\u00a0\u200b\u202e", strings.Repeat(`a'\`, 100), strings.Repeat("x", 1<<20),
	}
	for name, db := range ways(t, c) {
		for _, text := range texts {
			claims, _ := json.Marshal(map[string]string{"sub": text})
			id := &postgres.SessionIdentity{SearchPath: "public", Claims: string(claims), Sub: text, Role: text, DatabaseRole: `odd ' " \ role`}
			const sql = "SELECT current_setting('mcp.sub') = $1::text AND current_setting('mcp.role') = $1::text AND current_setting('request.jwt.claims') = $2::text, current_user"
			got, _ := run(t, db, postgres.Call{SQL: sql, Args: [][]byte{[]byte(text), claims}, Identity: id})
			if got.json[0] != `[true,"odd ' \" \\ role"]` {
				t.Errorf("%s: %.40q does not arrive: %s", name, text, got.json[0])
			}
		}
		for _, id := range []postgres.SessionIdentity{
			{Sub: "a\x00b"}, {Sub: "\xff"}, {Claims: "{}\x00"}, {Claims: "\xc0\xa7"}, {Role: "\x00"}, {DatabaseRole: "postgres\x00"}, {SearchPath: "a\x00"}, {SearchPath: "\xed\xa0\x80"},
		} {
			if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Identity: &id}, &rows{}); code(err) != "22021" {
				t.Errorf("%s: %+v = %v, want 22021", name, id, err)
			}
			run(t, db, postgres.Call{SQL: "SELECT count(*) FROM public.t"}) // nothing is left on the connection
		}
	}
}

func TestIdentitySearchPath(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	pgtest.Exec(t, c.AdminURL(), `CREATE SCHEMA "My Schema"; CREATE SCHEMA "a,b"; CREATE SCHEMA "qu""ote"; CREATE SCHEMA "o'b\"; CREATE SCHEMA lower; CREATE SCHEMA "Ü"; CREATE SCHEMA postgres`)
	for name, db := range ways(t, c) {
		for path, want := range map[string]string{
			`"My Schema", "a,b" ,"qu""ote"`: `["My Schema","a,b","qu\"ote"]`, `"o'b\",LOWER`: `["o'b\\","lower"]`, "Ü,\tpublic\n": `["Ü","public"]`,
			`"LOWER"`: `[]`, "": `[]`, `""`: `[]`, `"$user", public`: `["postgres","public"]`, "nowhere, public": `["public"]`,
			",": "22023", "public,": "22023", ",public": "22023", `"open`: "22023", "a b": "22023", `"a" "b"`: "22023",
		} {
			sink := &rows{}
			_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT current_schemas(false)", Identity: &postgres.SessionIdentity{SearchPath: path}}, sink)
			got := code(err)
			if err == nil {
				got = strings.TrimSuffix(strings.TrimPrefix(sink.json[0], "["), "]")
			}
			if got != want {
				t.Errorf("%s: search_path %s = %s, want %s", name, path, got, want)
			}
		}
		none := &postgres.SessionIdentity{SearchPath: "public", DatabaseRole: "None"}
		if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1", Identity: none}, &rows{}); code(err) != "22023" {
			t.Errorf("%s: the database role none = %v, want 22023: it would be the login", name, err)
		}
	}
}

// TestClaimsInStatistics: where they can be bound, claims are not among the statements that pg_stat_statements keeps.
func TestClaimsInStatistics(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true, Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements"}})
	pgtest.Exec(t, c.AdminURL(), "CREATE EXTENSION pg_stat_statements")
	all := ways(t, c)
	for _, name := range []string{"server", "PgBouncer"} {
		run(t, all[name], postgres.Call{SQL: "SELECT 1", Identity: &postgres.SessionIdentity{Claims: `{"email":"somebody@example.com"}`, Sub: "somebody"}})
	}
	if n := pgtest.Value(t, c.AdminURL(), "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%some'||'body%'"); n != "0" {
		t.Errorf("%s statements hold claims", n)
	}
}
