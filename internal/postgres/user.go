package postgres

import "github.com/jackc/pgx/v5/pgconn"

// User is the login of a connection string; empty if it can't be told.
func User(url string) string {
	if url == "" {
		return ""
	}
	conf, err := pgconn.ParseConfig(url)
	if err != nil {
		return ""
	}
	return conf.User
}
