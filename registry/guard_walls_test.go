package registry_test

import (
	"net/url"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestGuardOlderGrammar has functions with the names of what the grammar takes for a part of the language. Where the server calls
// them, they are refused; where they are a part of its language, too, they are not in the way.
func TestGuardOlderGrammar(t *testing.T) {
	db := pgtest.URL(t)
	var setup strings.Builder
	for _, name := range []string{"json_value", "json_query", "json_exists", "json_scalar", "json_serialize", "json_object", "json_array", "merge_action", "json"} {
		for _, args := range []string{"", "int", "int, int", "text, text"} {
			setup.WriteString(`CREATE FUNCTION public."` + name + `"(` + args + `) RETURNS text LANGUAGE sql AS $$ SELECT pg_read_file('PG_VERSION') || 'marker' $$;`)
		}
	}
	pgtest.Exec(t, db, setup.String()+`CREATE FUNCTION public.calls(e text) RETURNS bool LANGUAGE plpgsql AS $$
		DECLARE r text;
		BEGIN EXECUTE 'SELECT (' || e || ')::text' INTO r; RETURN r LIKE '%marker'; EXCEPTION WHEN OTHERS THEN RETURN false; END $$`)
	readOnly := build(t, registry.Config{DB: openDB(t, db), ReadOnly: true}, nil)
	permissions := build(t, registry.Config{DB: openDB(t, db)}, nil)
	role := &guard.Role{Name: "reader", Schemas: []string{"public"}, AllTables: true, AllTools: true, Operations: 1}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	newest := pgtest.Value(t, db, "SELECT current_setting('server_version_num')::int >= 170000") == "t"
	for _, call := range []string{"json_value('1', '$')", "json_query('1', '$')", "json_exists('1', '$')", "json_scalar(1)", "json_serialize(1)", "json_object(1, 2)", "json_object()",
		"json_array(1, 2)", "json_array()", "json_array(1)", "json_object('a' VALUE 1)", "json_value('1', '$' RETURNING int)"} {
		sql := "SELECT " + call
		called := pgtest.Value(t, db, "SELECT calls($c$"+call+"$c$)") == "t"
		for who, got := range map[string]func() (string, bool){
			"read-only mode": func() (string, bool) { return callAs(t.Context(), t, readOnly, sql) },
			"a role":         func() (string, bool) { return callAs(as, t, permissions, sql) },
		} {
			answer, isError := got()
			refused := isError && (strings.Contains(answer, `"read_only"`) || strings.Contains(answer, `"forbidden"`))
			if called && !refused || refused && !called && newest || strings.Contains(answer, "marker") {
				t.Errorf("%s: %s = %s; the server calls the function: %v", who, sql, answer, called)
			}
		}
	}
}

// TestGuardEncodings has tables whose names the server reads otherwise than the grammar does.
func TestGuardEncodings(t *testing.T) {
	for _, encoding := range []string{"UTF8", "LATIN1", "EUC_JP"} {
		t.Run(encoding, func(t *testing.T) {
			db := inEncoding(t, encoding)
			letter := map[string]string{"EUC_JP": "表"}[encoding]
			if letter == "" {
				letter = "é"
			}
			cut := strings.Repeat(letter, 63/len(letter)) // what is left of a longer name in UTF-8
			long := cut + strings.Repeat(letter, 4)
			pgtest.Exec(t, db, `CREATE TABLE "`+cut+`" (v text); CREATE TABLE "`+letter+`" (v text); CREATE TABLE plain (v text)`)
			if encoding != "UTF8" {
				pgtest.Exec(t, db, `CREATE TABLE "`+long+`" (v text); INSERT INTO "`+long+`" VALUES ('hidden')`)
			}
			r := build(t, registry.Config{DB: openDB(t, db)}, nil)
			role := &guard.Role{Name: "reader", Schemas: []string{"public"}, Tables: []guard.Table{{Name: cut}, {Name: letter}, {Name: "plain"}}, AllTools: true, Operations: 1}
			as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
			for sql, want := range map[string]string{
				`SELECT v FROM "` + long + `"`:             "has more than 63 bytes",
				`SELECT v FROM ` + long:                    "has more than 63 bytes",
				`SELECT 1 AS "` + long + `"`:               "has more than 63 bytes",
				`SELECT v FROM plain`:                      "",
				`SELECT v FROM "` + letter + `"`:           "",
				`SELECT v FROM ` + strings.ToUpper(letter): map[bool]string{true: "", false: "letters beyond ASCII"}[encoding == "UTF8"],
				`SELECT 'ÉÉ' FROM plain`:                   "",
			} {
				if encoding == "UTF8" && strings.Contains(sql, "É") && !strings.Contains(sql, "'") {
					continue // another name than é there
				}
				got, isError := callAs(as, t, r, sql)
				if isError != (want != "") || !strings.Contains(got, want) || strings.Contains(got, "hidden") {
					t.Errorf("%s = %s, want %q", sql, got, want)
				}
			}
		})
	}
}

// inEncoding gives a database in an encoding.
func inEncoding(t *testing.T, encoding string) string {
	t.Helper()
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	admin, name := u.String(), strings.TrimPrefix(u.Path, "/")+"_"+strings.ToLower(encoding)
	pgtest.Exec(t, admin, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	u.Path = "/" + name
	u.RawQuery += "&client_encoding=UTF8"
	return u.String()
}

// TestGuardSecrets has a superuser's login and a server with secrets in its settings and statistics.
func TestGuardSecrets(t *testing.T) {
	const password = "hidden-password"
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"primary_conninfo": "'host=db password=" + password + "'"}})
	pgtest.Exec(t, c.AdminURL(), `CREATE ROLE someone LOGIN PASSWORD '`+password+`'; CREATE ROLE other LOGIN PASSWORD '`+password+`'; CREATE TABLE orders (id int, v text); INSERT INTO orders VALUES (1, 'x'), (2, 'x');
		ALTER DATABASE postgres SET app.jwt_secret = '`+password+`'; ANALYZE orders`)
	open := func(t *testing.T) *registry.Registry {
		return build(t, registry.Config{DB: openDB(t, c.AdminURL()), ReadOnly: true}, nil)
	}
	served := func(t *testing.T, r *registry.Registry, sql string, want bool) {
		t.Helper()
		if got, isError := callAs(t.Context(), t, r, sql); isError == want || !want && !strings.Contains(got, `"read_only"`) || strings.Contains(got, password) {
			t.Errorf("%s = %s, want it served: %v", sql, got, want)
		}
	}
	r := open(t)
	toast := pgtest.Value(t, c.AdminURL(), "SELECT relname FROM pg_class WHERE relkind = 't' AND relnamespace = 'pg_toast'::regnamespace ORDER BY relname LIMIT 1")
	for _, sql := range []string{
		"SHOW primary_conninfo", "SHOW ALL", "SELECT * FROM pg_settings", "SELECT current_setting('primary_conninfo')", "SELECT current_setting('primary_' || 'conninfo')",
		"SELECT current_setting(name) FROM (VALUES ('primary_conninfo')) AS v(name)", "SELECT * FROM pg_show_all_settings()",
		"SELECT U&\"current\\005Fsetting\"('primary_conninfo')", "SELECT current_setting(E'primary\\137conninfo')", "SELECT current_setting('primary_'\n'conninfo')",
		"SELECT ('primary_conninfo'::text).current_setting", "SELECT current_setting('app.jwt_secret')", "SHOW app.jwt_secret", "SELECT * FROM pg_db_role_setting",
		"SELECT rolconfig FROM pg_roles", "SELECT useconfig FROM pg_user", "SELECT stavalues1 FROM pg_statistic", "SELECT * FROM pg_toast." + toast,
		"SELECT * FROM pg_statistic_ext_data",
	} {
		served(t, r, sql, false)
	}
	for _, sql := range []string{"SHOW work_mem", "SELECT current_setting('work_mem'), current_setting('a.b', true)", "SHOW password_encryption", "SELECT most_common_vals FROM pg_stats WHERE tablename = 'orders'"} {
		served(t, r, sql, true)
	}
	pgtest.Exec(t, c.AdminURL(), "ANALYZE pg_authid; ALTER DATABASE postgres RESET app.jwt_secret")
	pgtest.Exec(t, c.AdminURL(), "ALTER SYSTEM SET primary_conninfo = ''")
	pgtest.Exec(t, c.AdminURL(), "SELECT pg_reload_conf()")
	served(t, open(t), "SELECT histogram_bounds FROM pg_stats WHERE tablename = 'pg_authid'", false)
	r = open(t)
	served(t, r, "SELECT rolconfig FROM pg_roles", true)
	pgtest.Exec(t, c.AdminURL(), "DELETE FROM pg_statistic WHERE starelid = 'pg_authid'::regclass; ANALYZE pg_db_role_setting")
	served(t, r, "SELECT histogram_bounds FROM pg_stats WHERE tablename = 'pg_db_role_setting'", true)
	pgtest.Exec(t, c.AdminURL(), "ALTER ROLE someone SET app.jwt_secret = '"+password+"'; ALTER ROLE other SET app.jwt_secret = '"+password+"-2'")
	served(t, r, "SELECT rolconfig FROM pg_roles", false) // what was allowed is looked at anew
	pgtest.Exec(t, c.AdminURL(), "ANALYZE pg_db_role_setting")
	served(t, r, "SELECT histogram_bounds FROM pg_stats WHERE tablename = 'pg_db_role_setting'", false)
}

// TestSettingsOfApplications: PostgreSQL lists no settings that applications have made up, so a name that is computed may be that of one.
func TestSettingsOfApplications(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{Settings: map[string]string{"app.password": "'hidden-password'"}})
	pgtest.Exec(t, c.AdminURL(), "CREATE TABLE plain (id int, name text, current_setting text)")
	r := build(t, registry.Config{DB: openDB(t, c.AdminURL()), ReadOnly: true}, nil)
	for sql, want := range map[string]bool{
		"SELECT current_setting('work_mem') AS current_setting": true, "SELECT s.name, current_setting(s.name) AS current_setting FROM pg_settings s": true,
		"SELECT current_setting('work_mem')":                                                                      true,
		"SELECT s.name, current_setting(s.name) FROM pg_settings AS s":                                            true,
		"SELECT pg_catalog.current_setting(s.name, true) FROM pg_catalog.pg_settings s WHERE s.name = 'work_mem'": true,
		"SELECT current_setting('app.password')":                                                                  false,
		"SELECT current_setting('app.'||'password')":                                                              false,
		"SELECT current_setting(concat('app.', 'pass', 'word'))":                                                  false,
		"SELECT current_setting(('app.pass')||'word')":                                                            false, "SELECT current_setting((('app.pass')||'word'), true)": false,
		"SELECT current_setting(('work_mem')), current_setting($x$work_mem$x$)": true, "SELECT current_setting(split_part('app.password', ',', 1))": false,
		"SELECT current_setting(reverse('drowssap.ppa'), true)":                                                                 false,
		"SELECT current_setting(s.name) FROM (SELECT 'app.'||'password' AS name) AS s":                                          false,
		"WITH pg_settings AS (SELECT 'app.'||'password' AS name) SELECT current_setting(s.name) FROM pg_settings s":             false,
		"SELECT x.* FROM pg_settings s, LATERAL (SELECT current_setting(s.name) FROM (VALUES ('app.'||'password')) s (name)) x": false,
		"SELECT current_setting(s.name), current_setting('app.'||'password') FROM pg_settings s":                                false,
		"SELECT current_setting(s.name), x.current_setting FROM pg_settings s, unnest(ARRAY['app.'||'password']) x":             false,
		"SELECT current_setting(s.name), \"current_setting\"('app.'||'password') FROM pg_settings s":                            false,
		"SELECT current_setting(s.name), U&\"current\\005Fsetting\"('app.'||'password') FROM pg_settings s":                     false,
		"SELECT current_setting(s.name || x) FROM pg_settings s, (VALUES ('')) v (x)":                                           false,
	} {
		if got, isError := callAs(t.Context(), t, r, sql); isError == want || strings.Contains(got, "hidden-password") || !want && !strings.Contains(got, `"read_only"`) {
			t.Errorf("%s = %.200s, want it served: %v", sql, got, want)
		}
	}
}

// TestSecretsAreKnown finds the settings and catalogues whose names say that they hold secrets, on whatever version this is.
func TestSecretsAreKnown(t *testing.T) {
	db := pgtest.URL(t)
	const settings = "SELECT string_agg(name, ' ' ORDER BY name) FROM pg_settings WHERE name ~* '" + guard.SecretSetting + "'"
	for _, name := range strings.Fields(pgtest.Value(t, db, settings)) {
		switch name {
		case "password_encryption", "ssl_passphrase_command_supports_reload", "md5_password_warnings", "primary_conninfo", "ssl_passphrase_command":
		default:
			t.Errorf("setting %s: does it hold a secret? See internal/guard/secrets.go", name)
		}
	}
	const columns = `SELECT string_agg(DISTINCT c.relname, ' ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'pg_catalog'::regnamespace AND a.attname ~ 'passw|secret|conninfo|umoptions' AND a.attname <> 'rolvaliduntil' AND c.relkind IN ('r', 'v')`
	for _, name := range strings.Fields(pgtest.Value(t, db, columns)) {
		switch name {
		case "pg_authid", "pg_shadow", "pg_subscription", "pg_user_mapping", "pg_user_mappings", "pg_stat_wal_receiver":
		case "pg_roles", "pg_user": // their password is asterisks
		default:
			t.Errorf("relation %s: does it hold a secret? See internal/guard/catalogs.yaml", name)
		}
	}
}
