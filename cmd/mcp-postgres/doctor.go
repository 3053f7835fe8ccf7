package main

import (
	"cmp"
	"context"
	_ "embed" // the questions
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
)

type doctorCmd struct {
	Format string `name:"format" help:"Output format: ${enum}." enum:"human,json" default:"human"`
	Strict bool   `name:"strict" help:"Treat warnings as dangers."`
}

// Run examines the logins. The exit status is 0 without dangers, 1 with some, and 2 without a database.
func (cmd *doctorCmd) Run(ctx context.Context, c *config.Config, s streams, log *slog.Logger) (err error) {
	var rules *guard.Rules
	var found *files
	if c.Permissions != "" {
		if rules, _, err = readRules(c.Permissions); err != nil {
			return err
		}
		if found, err = loadFiles(c, quiet(c, log)); err != nil {
			return err
		}
	}
	a, err := connect(ctx, c, quiet(c, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if !a.db.Configured() {
		return usage(s, errors.New("doctor examines a database: want --conn, DATABASE_URL or --demo"))
	}
	a.access = &access{logins: map[string]*postgres.DB{}, log: quiet(c, log)}
	a.access.rules.Store(rules)
	if _, err := a.access.databases(ctx, c, rules); err != nil {
		return err
	}
	all, err := diagnose(ctx, c, a, found)
	if err != nil {
		return err
	}
	if err := all.print(s.out, cmd.Format); err != nil {
		return err
	}
	if all.count(danger) > 0 || cmd.Strict && all.count(warning) > 0 {
		return exitError{1}
	}
	return nil
}

// strict refuses to serve where there are dangers, or where that can't be seen.
func strict(ctx context.Context, c *config.Config, a *app) error {
	found, err := diagnose(ctx, c, a, a.shelf.files)
	if err != nil {
		return fmt.Errorf("--strict (MCP_STRICT): %w", err)
	}
	var titles []string
	for _, f := range found {
		if f.Severity == danger {
			titles = append(titles, f.Title)
		}
	}
	if titles == nil {
		return nil
	}
	return fmt.Errorf("--strict (MCP_STRICT): %s; mcp-postgres doctor says how to mend it", strings.Join(titles, "; "))
}

const (
	danger  = "danger"
	warning = "warning"
	note    = "note"
)

// concern is what doctor found.
type concern struct {
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Detail   string   `json:"detail"`
	Objects  []string `json:"objects,omitempty"`
	Fix      string   `json:"fix"` // SQL, or a comment of SQL
}

type concerns []concern

func (all concerns) count(severity string) int {
	n := 0
	for _, f := range all {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// The questions, which PostgreSQL answers with concerns.
var (
	//go:embed doctor/role.sql
	aboutRole string
	//go:embed doctor/objects.sql
	aboutObjects string
	//go:embed doctor/permissions.sql
	aboutPermissions string
)

// doctor examines one login after the other.
type doctor struct {
	readOnly bool
	logins   []string // of the server: its own, and those of roles, as far as they are known
	found    concerns
}

// diagnose examines the logins of the server: its own, and those of roles. The error is that of its own not being there.
// found is looked at where there are permissions.
func diagnose(ctx context.Context, c *config.Config, a *app, found *files) (concerns, error) {
	d := &doctor{readOnly: c.ReadOnly, logins: []string{}}
	d.meet(ctx, a.db, c.Conn)
	for name, db := range a.access.logins {
		d.meet(ctx, db, os.Getenv(name))
	}
	byLogin := map[string][]*guard.Role{}
	rules := a.access.rules.Load()
	if rules != nil {
		for _, r := range rules.Roles {
			byLogin[r.Connection] = append(byLogin[r.Connection], r)
		}
		d.tools(rules.Roles, found, c)
	}
	if err := d.login(ctx, a.db, byLogin[""], rules != nil); err != nil {
		return nil, fmt.Errorf("examining the login: %w", err)
	}
	delete(byLogin, "")
	for name, roles := range byLogin {
		d.connection(ctx, a.access.logins[name], name, roles)
	}
	slices.SortStableFunc(d.found, func(a, b concern) int {
		order := []string{danger, warning, note}
		return cmp.Or(slices.Index(order, a.Severity)-slices.Index(order, b.Severity), strings.Compare(a.Title, b.Title))
	})
	return d.found, nil
}

// add leaves out what is known, as of the database itself.
func (d *doctor) add(f concern) {
	if !slices.ContainsFunc(d.found, func(o concern) bool { return o.Title == f.Title }) {
		d.found = append(d.found, f)
	}
}

// login examines a login, and the database roles that it takes on for roles of permissions.yaml.
func (d *doctor) login(ctx context.Context, db *postgres.DB, roles []*guard.Role, permissions bool) error {
	var name []string
	if err := d.ask(ctx, db, "SELECT session_user", func(row [][]byte) { name = append(name, string(row[0])) }); err != nil || len(name) == 0 {
		return err
	}
	groups := map[string][]*guard.Role{}
	for _, r := range roles {
		groups[r.DatabaseRole] = append(groups[r.DatabaseRole], r)
	}
	if err := d.role(ctx, db, name[0]); err != nil || !permissions {
		return err
	}
	taken := slices.DeleteFunc(slices.Clone(roles), func(r *guard.Role) bool { return r.DatabaseRole == "" })
	err := d.permissions(ctx, db, name[0], roles, taken, "")
	delete(groups, "")
	for database, roles := range groups {
		err = errors.Join(err, d.role(ctx, db, database), d.permissions(ctx, db, database, roles, nil, database))
	}
	return err
}

func (d *doctor) role(ctx context.Context, db *postgres.DB, name string) error {
	logins, err := json.Marshal(d.logins)
	if err != nil {
		return err
	}
	login := slices.Contains(d.logins, name)
	return errors.Join(
		d.question(ctx, db, danger, "the rights of "+name, aboutRole, []byte(name), fmt.Append(nil, login), logins),
		d.question(ctx, db, warning, "what "+name+" owns and can use", aboutObjects, []byte(name), fmt.Append(nil, d.readOnly)))
}

// question adds what a query finds. Where the login may not read a catalog that it is about, that is what is found, as severe as the
// worst that the query could have found.
func (d *doctor) question(ctx context.Context, db *postgres.DB, worst, about, sql string, args ...[]byte) error {
	err := d.ask(ctx, db, sql, d.row, args...)
	if refused := (*postgres.Error)(nil); errors.As(err, &refused) && refused.Code == "42501" {
		d.add(concern{worst, "not examined: " + about, "The login may not read what that is kept in: " + refused.Message + ".", nil,
			"-- GRANT SELECT ON that catalog to the login, or run doctor with a login that may read it"})
		return nil
	}
	return err
}

// permissions holds a PostgreSQL role against the roles whose calls go through it. Those with the given database role run
// with its rights.
func (d *doctor) permissions(ctx context.Context, db *postgres.DB, name string, roles, taken []*guard.Role, database string) error {
	type table struct {
		Schema *string `json:"schema"`
		Name   string  `json:"name"`
	}
	tables := func(all []guard.Table) []table {
		list := []table{}
		for _, t := range all {
			if list = append(list, table{&t.Schema, t.Name}); t.Schema == "" {
				list[len(list)-1].Schema = nil
			}
		}
		return list
	}
	list, others := []map[string]any{}, []map[string]any{}
	for _, r := range roles {
		list = append(list, map[string]any{"name": r.Name, "schemas": r.Schemas, "all_tables": r.AllTables, "tables": tables(r.Tables),
			"operations": privileges(r), "functions": tables(r.Functions), "served": r.DatabaseRole == database})
	}
	for _, r := range taken {
		others = append(others, map[string]any{"name": r.Name, "database_role": r.DatabaseRole})
	}
	rules, err := json.Marshal(list)
	if err != nil {
		return err
	}
	unserved, err := json.Marshal(others)
	if err != nil {
		return err
	}
	return d.question(ctx, db, danger, "permissions.yaml against the grants of "+name, aboutPermissions, []byte(name), rules, unserved)
}

func (d *doctor) row(row [][]byte) {
	f := concern{Severity: string(row[0]), Title: string(row[1]), Detail: string(row[2]), Fix: string(row[4])}
	_ = json.Unmarshal(row[3], &f.Objects) // the query makes an array of strings
	d.add(f)
}

// ask runs a query with nothing but pg_catalog on the search path, so that the names in the answers have their schemas.
func (d *doctor) ask(ctx context.Context, db *postgres.DB, sql string, row func([][]byte), args ...[]byte) error {
	_, err := db.Run(ctx, postgres.Call{SQL: sql, Args: args, Identity: &postgres.Identity{}}, eachRow(row))
	return err
}

// eachRow is a sink for rows.
type eachRow func([][]byte)

func (eachRow) Columns([]postgres.Column) {}
func (f eachRow) Row(row [][]byte) bool   { f(row); return true }

// shownObjects is how many objects people are shown of a concern; JSON has up to a thousand.
const shownObjects = 10

func (all concerns) print(w io.Writer, format string) error {
	if format == "json" {
		return writeJSON(w, map[string]any{
			"dangers": all.count(danger), "warnings": all.count(warning), "notes": all.count(note), "findings": append(concerns{}, all...),
		})
	}
	for _, f := range all {
		fmt.Fprintf(w, "%s: %s\n  %s\n", f.Severity, f.Title, f.Detail)
		for i, o := range f.Objects {
			if i == shownObjects {
				fmt.Fprintf(w, "    and %d more\n", len(f.Objects)-i)
				break
			}
			fmt.Fprintln(w, "    "+o)
		}
		fmt.Fprintf(w, "  %s\n\n", strings.ReplaceAll(f.Fix, "\n", "\n  "))
	}
	_, err := fmt.Fprintf(w, "%s, %s, %s\n", count(all.count(danger), "danger"), count(all.count(warning), "warning"), count(all.count(note), "note"))
	return err
}
