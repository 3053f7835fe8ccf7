package doctor

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Grants is the SQL script that makes rules true in the database; path names their file. login is that of the server,
// empty if it is not known. owner is the role that makes the tables of the future, empty for the one that runs the
// script.
func Grants(rules *guard.Rules, path, login, owner string) string {
	g := &grants{owner: owner, login: login, made: map[string]bool{}}
	g.preamble(path)
	schemas := allSchemas(rules.Roles)
	for _, s := range schemas {
		g.line("REVOKE CREATE ON SCHEMA %s FROM PUBLIC;", pgtext.Identifier(s))
	}
	for _, r := range rules.Roles {
		g.role(r, schemas)
	}
	g.line("\nCOMMIT;")
	return g.script.String()
}

// grants writes the script.
type grants struct {
	owner, login string          // login is empty if it is not known
	made         map[string]bool // roles of PostgreSQL, which several roles of the file may share
	script       strings.Builder
}

func (g *grants) line(format string, args ...any) { fmt.Fprintf(&g.script, format+"\n", args...) }

// block is SQL that PostgreSQL runs as PL/pgSQL.
func (g *grants) block(body string) { g.line("DO %s;", pgtext.Literal(body)) }

func (g *grants) preamble(path string) {
	g.line("-- Makes %s true in the database: run it there as a superuser, and again after each change of the file.",
		oneLine(path))
	g.line("-- It takes rights from PUBLIC: other applications may want them granted by name.\nBEGIN;\n")
	g.block("BEGIN EXECUTE pg_catalog.format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', " +
		"pg_catalog.current_database()); END")
	g.block("BEGIN REVOKE CREATE ON SCHEMA public FROM PUBLIC; EXCEPTION WHEN invalid_schema_name THEN NULL; END")
}

// allSchemas are those that roles have rights in, without PostgreSQL's own.
func allSchemas(roles []*guard.Role) []string {
	all := []string{}
	for _, r := range roles {
		all = append(all, ownSchemas(r)...)
		for _, f := range r.Functions {
			if f.Schema != "" {
				all = append(all, f.Schema)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func ownSchemas(r *guard.Role) []string {
	own := func(s string) bool { return s == "pg_catalog" || s == "information_schema" }
	return slices.DeleteFunc(slices.Clone(r.Schemas), own)
}

// role writes the PostgreSQL roles of one role, and their rights.
func (g *grants) role(r *guard.Role, schemas []string) {
	login := g.logins(r)
	name := cmp.Or(r.DatabaseRole, login, r.Name)
	g.line("\n-- role %s", oneLine(r.Name))
	if login != "" {
		g.create(login, "LOGIN")
		g.line("-- %s is to hold the connection string of %s; \\password in psql sets its password",
			r.Connection, oneLine(login))
		g.loginSettings(r, login)
	}
	if name != login {
		g.create(name, "NOLOGIN")
		g.loginOfCitus(name)
		if r.DatabaseRole == "" {
			g.line("-- put database_role: %s into the role, or give it a connection", oneLine(r.Name))
		}
		if taker := cmp.Or(login, g.login); taker != "" {
			g.line("GRANT %s TO %s;", pgtext.Identifier(name), pgtext.Identifier(taker))
		} else {
			g.line("-- GRANT %s TO the login of the server;", pgtext.Identifier(name))
		}
	}
	if !g.made[name] {
		g.clear(schemas, name)
	}
	g.made[name] = true
	for _, s := range ownSchemas(r) {
		g.line("GRANT USAGE ON SCHEMA %s TO %s;", pgtext.Identifier(s), pgtext.Identifier(name))
	}
	g.tables(r, name)
	g.functions(r, name)
}

// clear takes away what was granted before.
func (g *grants) clear(schemas []string, name string) {
	for _, s := range schemas {
		g.line("REVOKE ALL ON SCHEMA %s FROM %s;", pgtext.Identifier(s), pgtext.Identifier(name))
		for _, kind := range []string{"TABLES", "SEQUENCES", "FUNCTIONS"} {
			g.line("REVOKE ALL ON ALL %s IN SCHEMA %s FROM %s;", kind, pgtext.Identifier(s), pgtext.Identifier(name))
			g.line("%s REVOKE ALL ON %s FROM %s;", g.future(s), kind, pgtext.Identifier(name))
		}
	}
}

// logins is the name of the role's own login, empty if it has none: that of its connection string, if that is set.
func (g *grants) logins(r *guard.Role) string {
	if r.Connection == "" {
		return ""
	}
	name := cmp.Or(postgres.User(os.Getenv(r.Connection)), r.Name)
	if name == r.DatabaseRole {
		name += "_login"
	}
	return name
}

// create makes a role, unless there is one.
func (g *grants) create(name, kind string) {
	role := pgtext.Identifier(name)
	g.block("BEGIN CREATE ROLE " + role + " " + kind + "; EXCEPTION WHEN duplicate_object THEN NULL; END")
	g.line("ALTER ROLE %s %s NOCREATEDB NOCREATEROLE;", role, kind)
}

// loginOfCitus lets a role that is taken on log in where Citus is: its nodes connect to one another as the role of the
// statement. The role has no password; pg_hba.conf or pg_dist_authinfo must let the nodes in.
func (g *grants) loginOfCitus(name string) {
	g.block("BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') THEN ALTER ROLE " +
		pgtext.Identifier(name) + " LOGIN; END IF; END")
}

// loginSettings are in force from the first statement of a session.
func (g *grants) loginSettings(r *guard.Role, login string) {
	alter := "ALTER ROLE " + pgtext.Identifier(login)
	g.line("%s SET search_path = %s;", alter, r.SearchPath())
	if r.Limits.Timeout > 0 {
		g.line("%s SET statement_timeout = '%dms';", alter, max(r.Limits.Timeout.Milliseconds(), 1))
	} else {
		g.line("%s RESET statement_timeout;", alter)
	}
	if r.Operations&^sqlscan.OpSelect == 0 {
		g.line("%s SET default_transaction_read_only = on;", alter)
	} else {
		g.line("%s RESET default_transaction_read_only;", alter)
	}
}

// privileges are the operations of a role as GRANT names them.
func privileges(r *guard.Role) []string {
	names := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	list := []string{}
	for i, op := range []sqlscan.Operation{sqlscan.OpSelect, sqlscan.OpInsert, sqlscan.OpUpdate, sqlscan.OpDelete} {
		if r.Operations&op != 0 {
			list = append(list, names[i])
		}
	}
	return list
}

func (g *grants) future(schema string) string {
	who := ""
	if g.owner != "" {
		who = " FOR ROLE " + pgtext.Identifier(g.owner)
	}
	return "ALTER DEFAULT PRIVILEGES" + who + " IN SCHEMA " + pgtext.Identifier(schema)
}

// Queries for the names of what exists, by its schema and its name.
const (
	tablesNamed = "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c " +
		"WHERE c.relnamespace = pg_catalog.to_regnamespace(%s) AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	functionsNamed = "SELECT p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc p " +
		"WHERE p.pronamespace = pg_catalog.to_regnamespace(%s) AND p.proname = %s AND p.prokind <> 'p'"
	// sequencesOf are those that fill columns of a table.
	sequencesOf = "SELECT d.objid::pg_catalog.regclass FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class q ON q.oid " +
		"= d.objid AND q.relkind = 'S' WHERE d.deptype = 'a' AND d.refobjid = pg_catalog.to_regclass(%s)"
	// notAll are the tables of a schema that "*" leaves out: foreign ones, and those of extensions but for the given ones.
	notAll = "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c " +
		"WHERE c.relnamespace = pg_catalog.to_regnamespace(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') " +
		"AND (c.relkind = 'f' OR c.relname <> ALL (%s::pg_catalog.text[]) AND EXISTS (SELECT FROM pg_catalog.pg_depend d " +
		"WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'))"
)

func (g *grants) tables(r *guard.Role, role string) {
	operations, to := strings.Join(privileges(r), ", "), " TO "+pgtext.Identifier(role)
	if operations == "" {
		return
	}
	inserts := r.Operations&sqlscan.OpInsert != 0
	if r.AllTables {
		for _, s := range ownSchemas(r) {
			g.allTables(s, operations, role, inserts)
		}
	}
	for _, t := range r.Tables {
		for _, s := range schemasOf(t, r) {
			g.each("GRANT "+operations+" ON ", to, tablesNamed, pgtext.Identifier(s), t.Name)
			if inserts {
				g.each("GRANT USAGE ON SEQUENCE ", to, sequencesOf, pgtext.Identifier(s, t.Name))
			}
		}
	}
}

// allTables grants what "*" means.
func (g *grants) allTables(name, operations, role string, inserts bool) {
	schema, to := pgtext.Identifier(name), pgtext.Identifier(role)
	g.line("GRANT %s ON ALL TABLES IN SCHEMA %s TO %s;", operations, schema, to)
	g.line("%s GRANT %s ON TABLES TO %s;", g.future(name), operations, to)
	g.each("REVOKE ALL ON ", " FROM "+to, notAll, schema, string(pgtext.Array(guard.OpenRelations())))
	if inserts {
		g.line("GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s;", schema, to)
		g.line("%s GRANT USAGE ON SEQUENCES TO %s;", g.future(name), to)
	}
}

func (g *grants) functions(r *guard.Role, role string) {
	to := pgtext.Identifier(role)
	for _, f := range r.Functions {
		for _, s := range schemasOf(f, r) {
			g.each("GRANT EXECUTE ON FUNCTION ", " TO "+to, functionsNamed, pgtext.Identifier(s), f.Name)
			if !slices.Contains(r.Schemas, s) {
				g.line("GRANT USAGE ON SCHEMA %s TO %s;", pgtext.Identifier(s), to)
			}
		}
	}
}

// schemasOf are those that the name of a table or function can stand for.
func schemasOf(t guard.Table, r *guard.Role) []string {
	if t.Schema != "" {
		return []string{t.Schema}
	}
	return ownSchemas(r)
}

// each runs a statement for each name that the query returns: the text before the name, and the text after it. The
// arguments of the query become literals.
func (g *grants) each(before, after, query string, args ...string) {
	var literals []any
	for _, a := range args {
		literals = append(literals, pgtext.Literal(a))
	}
	g.block("DECLARE name text; BEGIN FOR name IN " + fmt.Sprintf(query, literals...) +
		" LOOP EXECUTE " + pgtext.Literal(before) + " || name || " + pgtext.Literal(after) + "; END LOOP; END")
}

// oneLine keeps a name within its comment.
func oneLine(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }
