package main

import (
	"context"
	"fmt"
	"os"

	"mcp-postgres/internal/guard"
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
func (d *doctor) connection(ctx context.Context, db *postgres.DB, name string, roles []*guard.Role) {
	title, url := fmt.Sprintf("role %s: its connection %s", roles[0].Name, name), os.Getenv(name)
	if url == "" {
		d.add(concern{danger, title + " is not set", "The server does not start.", nil, "-- set " + name + " to the connection string of the role's login"})
		return
	}
	if err := d.login(ctx, db, roles, true); err != nil {
		d.add(concern{danger, title + " does not work: " + err.Error(), "Every call of the role fails.", nil, "-- mend " + name})
	}
}
