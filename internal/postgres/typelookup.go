package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// lookUp reads types from pg_type, and first those that they are made of.
func (c *typeCache) lookUp(s *session, oids []uint32) error {
	rows, err := s.query(lookupTypes, oidArray(oids))
	if err != nil {
		return fmt.Errorf("looking types up: %w", err)
	}
	var parts []uint32
	for _, row := range rows {
		for _, part := range []string{row[2], row[3]} {
			if oid := parseOID(part); oid != 0 {
				parts = append(parts, oid)
			}
		}
	}
	if missing := c.missing(parts); len(missing) > 0 {
		if err := c.lookUp(s, missing); err != nil {
			return err
		}
	}
	for _, row := range rows {
		t := c.build(row)
		c.known.Store(t.OID, t)
	}
	return nil
}

// build makes a Type of one row of lookupTypes, whose parts are known by now.
func (c *typeCache) build(row []string) *Type {
	t := &Type{OID: parseOID(row[0]), Name: row[4]}
	if base := parseOID(row[2]); base != 0 {
		if b := c.get(base); b != nil {
			of := *b
			of.OID = t.OID
			return &of
		}
	}
	if elem := parseOID(row[3]); elem != 0 {
		if e := c.get(elem); e != nil {
			t.Kind, t.Elem, t.Delim = Array, e, ','
			if row[6] != "" {
				t.Delim = row[6][0]
			}
			return t
		}
	}
	if row[7] != "" {
		// PostgreSQL has just made this JSON; without labels the values are still right.
		_ = json.Unmarshal([]byte(row[7]), &t.Labels)
	}
	return t
}

func parseOID(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// query is ask under a name of its own: the unnamed statement may be the caller's, parsed and not yet run.
func (s *session) query(sql string, args ...[]byte) ([][]string, error) {
	return s.ask(statementName(sql), sql, args...)
}

// ask runs one of our own statements between two flights; NULL reads as "".
func (s *session) ask(name, sql string, args ...[]byte) ([][]string, error) {
	s.fixed(name, sql, args...)
	s.sync()
	return s.sent()
}

// sent sends what is queued, and reads the answer up to the first Sync.
func (s *session) sent() ([][]string, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	return s.answer()
}

// answer reads the rows of a small flight up to its end.
func (s *session) answer() ([][]string, error) {
	var rows [][]string
	var failed error
	for {
		msg, err := s.next()
		if err != nil {
			return nil, err
		}
		switch msg := msg.(type) {
		case *pgproto3.DataRow:
			row := make([]string, len(msg.Values))
			for i, v := range msg.Values {
				row[i] = string(v)
			}
			rows = append(rows, row)
		case *pgproto3.ErrorResponse:
			failed = serverError(msg)
		case *pgproto3.ReadyForQuery:
			return rows, failed
		}
	}
}
