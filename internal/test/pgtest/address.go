package pgtest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// database is the name in a connection string.
func database(t testing.TB, address string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Database
}

// withDatabase is address with another database.
func withDatabase(t testing.TB, address, name string) string {
	t.Helper()
	if !isURL(address) {
		return address + " dbname=" + name
	}
	u, query := parse(t, address)
	query.Del("dbname")
	query.Del("database")
	u.Path = "/" + name
	return join(u, query)
}

// withUser is address with another login.
func withUser(t testing.TB, address, name, password string) string {
	t.Helper()
	if !isURL(address) {
		return fmt.Sprintf("%s user=%s password=%s", address, name, password)
	}
	u, query := parse(t, address)
	query.Del("user")
	query.Del("password")
	u.User = url.UserPassword(name, password)
	return join(u, query)
}

// isURL tells the two forms of a connection string apart; in the other, later words win.
func isURL(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

func parse(t testing.TB, address string) (*url.URL, url.Values) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u, u.Query()
}

func join(u *url.URL, query url.Values) string {
	// libpq reads %20 but not + as a space.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}
