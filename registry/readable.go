package registry

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"strings"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// readableSQL gives the tables of which the user of the call may read some columns only, and those columns. $1 are
// names of tables, $2 schemas that the SQL names, $3 and $4 the schemas and tables of the caller.
//
//go:embed readable.sql
var readableSQL string

// readable is a table of which not all columns may be read, as SQL writes it, and those that may.
type readable struct{ table, columns string }

// readableColumns asks which columns the user of a call may read of tables; it asks once, and gives nothing where that
// fails.
func readableColumns(ctx context.Context, db Database, id *postgres.SessionIdentity, role *guard.Role, tables,
	schemas []string) []readable {
	var found []readable
	call := postgres.Call{SQL: readableSQL,
		Args:    [][]byte{pgtext.Array(tables), pgtext.Array(schemas), permittedSchemas(role), permittedTables(role)},
		Prepare: true,
		Timeout: lookupTimeout, Identity: id}
	sink := postgres.EachRow(func(row [][]byte) { found = append(found, readable{string(row[0]), string(row[1])}) })
	if _, err := db.Run(ctx, call, sink); err != nil {
		return nil
	}
	return found
}

// denied adds to an error about a missing right what may be read of the tables of the SQL, where that is a part of
// them.
func (q *queryTool) denied(ctx context.Context, p *guard.Permit, sql string, err error) error {
	e, ok := userMessage(err, sql)
	if !ok {
		return err
	}
	var tables, schemas []string
	for _, s := range sqlscan.Sources(sqlscan.Names(sql)) {
		tables = append(tables, s.Name.Last().Text)
		if len(s.Name.Parts) > 1 {
			schemas = append(schemas, s.Name.Parts[0].Text)
		}
	}
	var words []string
	for _, r := range readableColumns(ctx, q.db, p.Identity, p.Role, tables, schemas) {
		words = append(words, fmt.Sprintf("of %s only these columns may be read: %s", r.table, r.columns))
	}
	if words == nil {
		return err
	}
	e.Hint = strings.Join(words, "; ")
	return e
}

// readableTable is SQL that reads the columns of a table that may be read; it is empty where those are all of them, or
// none.
func (l *library) readableTable(ctx context.Context, schema, table string) string {
	role, _ := roleOf(ctx)
	found := readableColumns(ctx, l.config.DB, identity(ctx), role, []string{table}, []string{schema})
	if len(found) != 1 {
		return ""
	}
	return "SELECT " + found[0].columns + " FROM " + pgtext.Identifier(schema, table)
}
