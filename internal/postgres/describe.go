package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Description is what PostgreSQL says of a statement without running it.
type Description struct {
	Params  []*Type
	Columns []Column
	// Notices are what PostgreSQL said of it, such as a name that it cuts.
	Notices []string
}

// Describe parses sql and describes its parameters and columns; nothing is executed. Types of users are looked up anew, for
// an enum may have more labels than before.
func (db *DB) Describe(ctx context.Context, sql string) (Description, error) {
	if db.pool == nil {
		return Description{}, ErrNoDatabase
	}
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	db.types.forget()
	d, err := db.describe(ctx, sql)
	if err != nil && ctx.Err() == nil && db.shouldRetry(&Call{}, Outcome{}, err) {
		d, err = db.describe(ctx, sql)
	}
	return d, db.publicError(ctx, &Call{}, err)
}

func (db *DB) describe(ctx context.Context, sql string) (Description, error) {
	var d Description
	err := db.withSession(ctx, func(s *session) (err error) {
		d, err = describe(s, sql, db.timeout, &db.types)
		d.Notices = s.notices.list()
		if db.pooler.mixedUp(err) {
			s.broken, err = true, &mixedUpError{cause: err}
		}
		return err
	})
	return d, err
}

// describe works in a transaction, whose settings decide what the names in sql stand for.
func describe(s *session, sql string, timeout time.Duration, types *typeCache) (Description, error) {
	s.begin(&Call{}, timeout)
	d, err := described(s, sql, types)
	if s.broken {
		return d, err
	}
	s.end(false, false)
	if ferr := s.flush(); ferr != nil {
		return d, ferr
	}
	if end := s.ended(); err == nil {
		err = end
	}
	return d, err
}

func described(s *session, sql string, types *typeCache) (Description, error) {
	s.parse("", sql)
	s.describe("")
	s.sync()
	if err := s.flush(); err != nil {
		return Description{}, err
	}
	oids, fields, err := s.description()
	if err != nil {
		return Description{}, err
	}
	var d Description
	if d.Params, err = types.resolve(s, oids); err != nil {
		return Description{}, err
	}
	if d.Columns, err = types.resolveColumns(s, fields); err != nil {
		return Description{}, err
	}
	return d, comments(s, fields, d.Columns)
}

const commentSQL = `SELECT pg_catalog.col_description($1::pg_catalog.oid, $2::pg_catalog.int4)`

// comments fills in the comments of the table columns that stand behind cols. Those of the system catalogs are left out.
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
