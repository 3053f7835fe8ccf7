// Package doctor says what in the rights of the database's logins is dangerous, and makes the SQL script that grants
// what the permissions say.
package doctor

import (
	"cmp"
	"context"
	_ "embed" // the questions
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/reload"
)

// The severities of findings, the worst first.
const (
	Danger  = "danger"
	Warning = "warning"
	Note    = "note"
)

// Finding is what is wrong with a login.
type Finding struct {
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Detail   string   `json:"detail"`
	Objects  []string `json:"objects,omitempty"`
	Fix      string   `json:"fix"` // SQL, or a comment of SQL
}

// Config says what to examine. DB must be set.
type Config struct {
	DB *postgres.DB
	// Conn is the connection string of DB.
	Conn string
	// RoleDBs are the databases of roles with a login of their own, by the environment variable that has its connection
	// string.
	RoleDBs map[string]*postgres.DB
	// Rules are the permissions; nil is none.
	Rules *guard.Rules
	// Known are the names of all tools, and Offered of those that clients may see; both count only with Rules.
	Known, Offered reload.Names
	ReadOnly       bool
}

// The questions, which PostgreSQL answers with findings.
var (
	//go:embed role.sql
	aboutRole string
	//go:embed objects.sql
	aboutObjects string
	//go:embed permissions.sql
	aboutPermissions string
)

const sessionUser = "SELECT session_user"

// doctor examines one login after the other.
type doctor struct {
	Config
	logins []string // of the server: its own, and those of roles, as far as they are known
	found  []Finding
}

// Examine examines the logins of the server, its own and those of roles: the worst finding first. The error is that
// of its own not answering.
func Examine(ctx context.Context, c Config) ([]Finding, error) {
	d := &doctor{Config: c, logins: []string{}}
	d.addLogin(ctx, c.DB, c.Conn)
	for name, db := range c.RoleDBs {
		d.addLogin(ctx, db, os.Getenv(name))
	}
	byLogin := map[string][]*guard.Role{}
	if c.Rules != nil {
		for _, r := range c.Rules.Roles {
			byLogin[r.Connection] = append(byLogin[r.Connection], r)
			d.tools(r)
		}
	}
	if err := d.login(ctx, c.DB, byLogin[""], c.Rules != nil); err != nil {
		return nil, fmt.Errorf("examining the login: %w", err)
	}
	delete(byLogin, "")
	for name, roles := range byLogin {
		d.connection(ctx, name, roles)
	}
	slices.SortStableFunc(d.found, func(a, b Finding) int {
		order := []string{Danger, Warning, Note}
		return cmp.Or(slices.Index(order, a.Severity)-slices.Index(order, b.Severity), strings.Compare(a.Title, b.Title))
	})
	return d.found, nil
}

// addLogin notes the login of a database: of one that does not answer, the login in its connection string.
func (d *doctor) addLogin(ctx context.Context, db *postgres.DB, conn string) {
	name := postgres.User(conn)
	_ = d.ask(ctx, db, sessionUser, func(row [][]byte) { name = string(row[0]) }) // login reports the error
	if name != "" {
		d.logins = append(d.logins, name)
	}
}

// connection examines the login of roles that have one of their own, by the environment variable that has its
// connection string.
func (d *doctor) connection(ctx context.Context, name string, roles []*guard.Role) {
	title := fmt.Sprintf("role %s: its connection %s", roles[0].Name, name)
	if os.Getenv(name) == "" {
		d.add(Finding{Danger, title + " is not set", "The server does not start.", nil,
			"-- set " + name + " to the connection string of the role's login"})
		return
	}
	if err := d.login(ctx, d.RoleDBs[name], roles, true); err != nil {
		d.add(Finding{Danger, title + " does not work: " + err.Error(), "Every call of the role fails.", nil,
			"-- correct " + name})
	}
}

// tools compares the tools that a role names with those that there are.
func (d *doctor) tools(r *guard.Role) {
	unknown := d.Known.Missing(r)
	if len(unknown) > 0 {
		d.add(Finding{Warning, "role " + r.Name + ": the permissions file names a tool that does not exist",
			"Neither the server nor --tools has a tool or toolset of this name.", d.Known.Hinted(unknown),
			"-- correct the permissions file"})
	}
	left := slices.DeleteFunc(d.Offered.Missing(r), func(entry string) bool { return slices.Contains(unknown, entry) })
	if len(left) > 0 {
		d.add(Finding{Note, "role " + r.Name + ": the permissions file names a tool that is not offered",
			"It exists, but --toolsets, --enable, --disable or --read-only leave it out.", left,
			"-- nothing, if the file is for several servers; else correct one of them"})
	}
}

// add leaves out what is known, as of the database itself.
func (d *doctor) add(f Finding) {
	if !slices.ContainsFunc(d.found, func(o Finding) bool { return o.Title == f.Title }) {
		d.found = append(d.found, f)
	}
}

// login examines a login, and the database roles that it takes on for roles of the permissions file.
func (d *doctor) login(ctx context.Context, db *postgres.DB, roles []*guard.Role, permissions bool) error {
	name := ""
	if err := d.ask(ctx, db, sessionUser, func(row [][]byte) { name = string(row[0]) }); err != nil {
		return err
	}
	groups := map[string][]*guard.Role{}
	for _, r := range roles {
		groups[r.DatabaseRole] = append(groups[r.DatabaseRole], r)
	}
	if err := d.role(ctx, db, name); err != nil || !permissions {
		return err
	}
	taken := slices.DeleteFunc(slices.Clone(roles), func(r *guard.Role) bool { return r.DatabaseRole == "" })
	err := d.permissions(ctx, db, name, roles, taken, "")
	delete(groups, "")
	for database, roles := range groups {
		err = errors.Join(err, d.role(ctx, db, database), d.permissions(ctx, db, database, roles, nil, database))
	}
	return err
}

func (d *doctor) role(ctx context.Context, db *postgres.DB, name string) error {
	return errors.Join(
		d.question(ctx, db, Danger, "the rights of "+name, aboutRole,
			name, fmt.Sprint(slices.Contains(d.logins, name)), pgtext.JSON(d.logins)),
		d.question(ctx, db, Warning, "what "+name+" owns and can use", aboutObjects, name, fmt.Sprint(d.ReadOnly)))
}

// question runs a query whose rows are findings. If the login may not read a catalog that the query needs, that is a
// finding too, as severe as the worst that the query could have found.
func (d *doctor) question(ctx context.Context, db *postgres.DB, worst, about, sql string, args ...string) error {
	err := d.ask(ctx, db, sql, d.row, args...)
	if refused := (*postgres.Error)(nil); errors.As(err, &refused) && refused.Code == "42501" {
		d.add(Finding{worst, "not examined: " + about,
			"The login may not read what that is kept in: " + refused.Message + ".", nil,
			"-- GRANT SELECT ON that catalog to the login, or run doctor with a login that may read it"})
		return nil
	}
	return err
}

// permissions compares the grants of a PostgreSQL role with the roles whose calls use it. The calls of those with the
// given database role run with its rights.
func (d *doctor) permissions(
	ctx context.Context, db *postgres.DB, name string, roles, taken []*guard.Role, database string) error {
	type table struct {
		Schema string `json:"schema,omitempty"`
		Name   string `json:"name"`
	}
	tables := func(all []guard.Table) []table {
		list := []table{}
		for _, t := range all {
			list = append(list, table{t.Schema, t.Name})
		}
		return list
	}
	rules, unserved := []map[string]any{}, []map[string]any{}
	for _, r := range roles {
		rules = append(rules, map[string]any{
			"name": r.Name, "schemas": r.Schemas, "all_tables": r.AllTables, "tables": tables(r.Tables),
			"operations": privileges(r), "functions": tables(r.Functions), "served": r.DatabaseRole == database})
	}
	for _, r := range taken {
		unserved = append(unserved, map[string]any{"name": r.Name, "database_role": r.DatabaseRole})
	}
	return d.question(ctx, db, Danger, "the permissions file against the grants of "+name, aboutPermissions,
		name, pgtext.JSON(rules), pgtext.JSON(unserved), string(pgtext.Array(guard.OpenRelations())))
}

func (d *doctor) row(row [][]byte) {
	f := Finding{Severity: string(row[0]), Title: string(row[1]), Detail: string(row[2]), Fix: string(row[4])}
	_ = json.Unmarshal(row[3], &f.Objects) // the query makes an array of strings
	d.add(f)
}

// ask runs a query with nothing but pg_catalog on the search path, so that the names in the answers have their schemas.
func (d *doctor) ask(ctx context.Context, db *postgres.DB, sql string, row func([][]byte), args ...string) error {
	c := postgres.Call{SQL: sql, Identity: &postgres.SessionIdentity{}}
	for _, a := range args {
		c.Args = append(c.Args, []byte(a))
	}
	_, err := db.Run(ctx, c, postgres.EachRow(row))
	return err
}
