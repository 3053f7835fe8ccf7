package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestGrants runs the script on a database, twice, and then works as each of its roles.
func TestGrants(t *testing.T) {
	admin := pgtest.Demo(t)
	foreign := pgtest.HasExtension(t, admin, "file_fdw")
	server, _ := pgtest.Role(t, admin)
	prefix := server + "_"
	pgtest.Exec(t, admin, `CREATE SCHEMA "odd ""schema"; CREATE TABLE "odd ""schema"."a'b\c" (id serial, note text);
		CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION shop.total FROM PUBLIC;
		CREATE FUNCTION shop.secret() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION shop.secret FROM PUBLIC;
		CREATE TABLE shop.of_extension (id int); ALTER EXTENSION plpgsql ADD TABLE shop.of_extension;
		GRANT CREATE ON SCHEMA public TO PUBLIC`)
	if foreign {
		pgtest.Exec(t, admin, `CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
			CREATE FOREIGN TABLE shop.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd', format 'text', delimiter E'\x01');
			CREATE FOREIGN TABLE shop.named (line text) SERVER files OPTIONS (filename '/etc/passwd', format 'text', delimiter E'\x01')`)
	}
	path := permissionsFile(t, fmt.Sprintf(`
roles:
  analyst:
    schemas: [shop]
    tables: "*"
    operations: [select]
    functions: [total]
    connection: ANALYST_URL
    limits: {timeout: 7s}
  clerk:
    schemas: [shop, billing]
    tables: [orders, shop.named, billing.invoices]
    operations: [select, update]
    database_role: %[1]sclerk
  writer:
    schemas: ['odd "schema']
    tables: ["a'b\\c"]
    operations: [select, insert]
    database_role: "%[1]so'd\"d"
  keeper:
    schemas: [shop]
    tables: "*"
    operations: [select, insert, update, delete]
    database_role: %[1]skeeper
users: {_default: analyst}
`, prefix))
	made := []string{prefix + "analyst", prefix + "clerk", prefix + `o'd"d`, prefix + "keeper"}
	as := func(role string) string {
		u, err := url.Parse(admin)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, "x")
		return u.String()
	}
	env := []string{"MCP_PERMISSIONS_FILE=" + path, "ANALYST_URL=" + as(made[0])}
	script := cliRun(t, env, "grants", "--conn", as(server))
	if script.status != 0 {
		t.Fatalf("grants = %+v", script)
	}
	t.Cleanup(func() {
		for _, role := range made {
			pgtest.Exec(t, admin, "DROP OWNED BY "+pgtext.Identifier(role)+"; DROP ROLE "+pgtext.Identifier(role))
		}
	})
	pgtest.Exec(t, admin, script.out)
	pgtest.Exec(t, admin, "GRANT UPDATE ON shop.orders TO "+pgtext.Identifier(made[0])+"; GRANT EXECUTE ON FUNCTION shop.secret TO "+pgtext.Identifier(made[0])) // the second run takes both away
	pgtest.Exec(t, admin, script.out)
	for _, role := range made { // to work as a role that can't log in, make it one that can
		pgtest.Exec(t, admin, "ALTER ROLE "+pgtext.Identifier(role)+" LOGIN PASSWORD 'x'")
	}
	pgtest.Exec(t, admin, "CREATE TABLE shop.later (id serial)")
	const refused = "42501"
	tests := []struct {
		role int
		sql  string
		code string // empty: it works
	}{
		{0, "SELECT count(*) FROM orders", ""},
		{0, "SELECT count(*) FROM shop.monthly_sales", ""},
		{0, "SELECT count(*) FROM later", ""},
		{0, "SELECT total()", ""},
		{0, "SELECT secret()", refused},
		{0, "SELECT count(*) FROM passwd", refused},
		{0, "SELECT count(*) FROM billing.invoices", refused},
		{0, "UPDATE orders SET status = status", refused},
		{0, "CREATE TABLE shop.mine ()", refused},
		{0, "CREATE TABLE public.mine ()", refused},
		{0, "CREATE TEMP TABLE mine ()", refused},
		{0, "CREATE SCHEMA mine", refused},
		{1, "SELECT count(*) FROM shop.orders", ""},
		{1, "SELECT count(*) FROM shop.named", ""},
		{1, "UPDATE shop.orders SET status = status WHERE false", ""},
		{1, "DELETE FROM shop.orders", refused},
		{1, "SELECT count(*) FROM shop.customers", refused},
		{1, "SELECT count(*) FROM billing.payments", refused},
		{1, "SELECT count(*) FROM shop.later", refused},
		{2, `INSERT INTO "odd ""schema"."a'b\c" (note) VALUES ('x')`, ""},
		{2, `SELECT id FROM "odd ""schema"."a'b\c"`, ""},
		{2, `DELETE FROM "odd ""schema"."a'b\c"`, refused},
		{2, "SELECT count(*) FROM shop.orders", refused},
		{3, "INSERT INTO shop.later DEFAULT VALUES", ""},
		{3, "DELETE FROM shop.reviews WHERE false", ""},
		{3, "TRUNCATE shop.reviews", refused},
		{3, "SELECT count(*) FROM shop.passwd", refused},
		{3, "SELECT count(*) FROM shop.of_extension", refused},
	}
	for _, test := range tests {
		if !foreign && (strings.Contains(test.sql, "passwd") || strings.Contains(test.sql, "named")) {
			continue
		}
		db, err := postgres.Open(t.Context(), postgres.Config{URL: as(made[test.role]), MinConns: -1, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Run(t.Context(), postgres.Call{SQL: test.sql, Write: true}, nothing{})
		db.Close()
		if got := code(err); got != test.code {
			t.Errorf("%s: %s = %v, want %q", made[test.role], test.sql, err, test.code)
		}
	}
	if got := pgtest.Value(t, as(made[0]), "SELECT current_setting('statement_timeout') || ' ' || current_setting('default_transaction_read_only') || ' ' || current_setting('search_path')"); got != `7s on shop, pg_temp` && got != `7s on "shop", pg_temp` {
		t.Errorf("the login of analyst starts with %s", got)
	}
	if got := pgtest.Value(t, admin, "SELECT pg_has_role('"+server+"', '"+prefix+"clerk', 'MEMBER')::text"); got != "true" {
		t.Error("the server's login can't take on the database role of clerk")
	}
	found, status := examine(t, append(env, "DATABASE_URL="+as(made[0])))
	for _, f := range found {
		if strings.HasPrefix(f.Title, "role analyst") || strings.HasPrefix(f.Title, "role keeper: "+made[3]) || strings.Contains(f.Title, "can do more") {
			t.Errorf("doctor (status %d) finds after the script: %+v", status, f)
		}
	}
}

// code is the SQLSTATE of an error, empty for none.
func code(err error) string {
	if pg, ok := err.(*postgres.Error); ok {
		return pg.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestGrantsWithoutDatabase(t *testing.T) {
	path := permissionsFile(t, "roles: {a: {schemas: [shop], tables: \"*\", operations: [select]}}\nusers: {x: a}\n")
	got := cliRun(t, nil, "--permissions", path, "grants", "--owner", "migrator")
	for _, want := range []string{`CREATE ROLE "a" NOLOGIN`, `GRANT SELECT ON ALL TABLES IN SCHEMA "shop" TO "a";`, `FOR ROLE "migrator" IN SCHEMA "shop" GRANT SELECT`} {
		if !strings.Contains(got.out, want) {
			t.Errorf("grants = %+v, want %s", got, want)
		}
	}
	if got := cliRun(t, nil, "grants"); got.status != 2 || !strings.Contains(got.err, "--permissions") {
		t.Errorf("grants without a file = %+v", got)
	}
	if got := cliRun(t, nil, "--permissions", permissionsFile(t, "roles: {a: {}}"), "grants"); got.status != 1 {
		t.Errorf("grants with a bad file = %+v", got)
	}
}
