package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Description is what PostgreSQL says of a statement without running it.
type Description struct {
	Params  []*Type
	Columns []Column
	// Notices are what PostgreSQL said of it, such as a name that it cuts.
	Notices []string
}

// Describe parses sql and describes its parameters and columns; nothing is executed. Types of users are looked up anew,
// for an enum may have more labels than before.
func (db *DB) Describe(ctx context.Context, sql string) (d Description, err error) {
	db.types.forget()
	out, err := db.Run(ctx, Call{SQL: sql, describe: &d}, nil)
	d.Notices = out.Notices
	return d, err
}

// describeCall describes the call's statement, in its transaction, whose settings decide what its names stand for.
func (t *transaction) describeCall() error {
	t.parse("", t.call.SQL)
	t.describe("")
	t.sync()
	if err := t.flush(); err != nil {
		return err
	}
	oids, fields, err := t.description()
	if err != nil {
		t.unbound = true
		return err
	}
	d := t.call.describe
	if d.Params, err = t.types.resolve(t.session, oids); err != nil {
		return err
	}
	if d.Columns, err = t.types.resolveColumns(t.session, fields); err != nil {
		return err
	}
	return comments(t.session, fields, d.Columns)
}

const commentSQL = `SELECT pg_catalog.col_description($1::pg_catalog.oid, $2::pg_catalog.int4)`

// comments fills in the comments of the table columns that stand behind cols. Those of the system catalogs are left
// out.
func comments(s *session, fields []pgproto3.FieldDescription, cols []Column) error {
	for i, f := range fields {
		if f.TableOID < firstUserOID || f.TableAttributeNumber == 0 {
			continue
		}
		rows, err := s.query(commentSQL, strconv.AppendUint(nil, uint64(f.TableOID), 10),
			strconv.AppendUint(nil, uint64(f.TableAttributeNumber), 10))
		if err != nil {
			return fmt.Errorf("reading the comment of column %s: %w", cols[i].Name, err)
		}
		if len(rows) == 1 {
			cols[i].Comment = rows[0][0]
		}
	}
	return nil
}

// firstUserOID is PostgreSQL's FirstNormalObjectId.
const firstUserOID = 16384
