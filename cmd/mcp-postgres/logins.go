package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"mcp-postgres/internal/policy"
	"mcp-postgres/internal/postgres"
)

// meet adds the login of a database to the known ones: of one that does not answer, what its connection string says.
func (d *doctor) meet(ctx context.Context, db *postgres.DB, url string) {
	name := postgres.User(url)
	_ = d.ask(ctx, db, "SELECT session_user", func(row [][]byte) { name = string(row[0]) }) // who examines the login tells of the error
	if name != "" {
		d.logins = append(d.logins, name)
	}
}

// connection examines the login of roles that have one of their own, by the environment variable that names it.
func (d *doctor) connection(ctx context.Context, db *postgres.DB, name string, roles []*policy.Role) {
	title, url := fmt.Sprintf("role %s: its connection %s", roles[0].Name, name), os.Getenv(name)
	if url == "" {
		d.add(concern{danger, title + " is not set", "The server does not start.", nil, "-- set " + name + " to the connection string of the role's login"})
		return
	}
	const fails = "Every call of the role fails."
	switch err := d.login(ctx, db, roles, true); {
	case err != nil && lacksSettings(ctx, db):
		d.addSettings(title, fails, url)
	case err != nil:
		d.add(concern{danger, title + " does not work: " + err.Error(), fails, nil, "-- mend " + name})
	}
}

// lacksSettings reports whether PostgreSQL refuses set_config to the login, which no call does without.
func lacksSettings(ctx context.Context, db *postgres.DB) bool {
	_, err := db.Run(ctx, postgres.Call{SQL: "SELECT 1"}, nothing{})
	var refused *postgres.Error
	return errors.As(err, &refused) && refused.Code == "42501" && strings.Contains(refused.Message, "set_config")
}

// addSettings tells of a login that can't execute set_config.
func (d *doctor) addSettings(who, fails, url string) {
	fix := "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO "
	if login := postgres.User(url); login != "" {
		fix += ident(login) + ";"
	} else {
		fix = "-- " + fix + "the login;"
	}
	d.add(concern{danger, who + " can't execute set_config", "The server needs it, to bound its calls. " + fails, nil, fix})
}
