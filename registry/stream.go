package registry

import (
	"errors"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// streamed gives the SQL to run in place of a caller's, which has the same rows and gives the first of them sooner. back
// turns the place of an error in it into the place in the caller's.
func streamed(sql string) (run string, back func(error) error) {
	rewritten, shift, ok := sqlscan.StreamFunctions(sql)
	if !ok {
		return sql, func(err error) error { return err }
	}
	return rewritten, func(err error) error {
		var pg *postgres.Error
		if !errors.As(err, &pg) || pg.Position == 0 {
			return err
		}
		moved := *pg
		moved.Position = shift(pg.Position)
		return &moved
	}
}
