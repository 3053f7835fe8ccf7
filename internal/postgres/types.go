package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"mcp-postgres/internal/pgtext"
)

// Kind says how the values of a type are written in JSON.
type Kind uint8

// The kinds. Text is PostgreSQL's own text, for every type that is none of the others.
const (
	Text Kind = iota
	Bool
	Int    // at most 32 bits
	BigInt // a number up to 2^53, else a string
	Float
	Numeric
	JSON
	Date
	Timestamp
	Timestamptz
	UUID
	Bytea
	Array
)

// Type is a PostgreSQL type. A domain is described as its base type.
type Type struct {
	OID  uint32
	Kind Kind
	// Name is the type's name as format_type writes it.
	Name string
	// Elem is the type of the items of an array, Delim the character between them.
	Elem  *Type
	Delim byte
	// Labels are those of an enum, in order.
	Labels []string
}

// HoldsXML reports whether a value of the type is read by PostgreSQL's XML parser.
func (t *Type) HoldsXML() bool {
	for t.Elem != nil {
		t = t.Elem
	}
	return t.Name == "xml"
}

// typeCache knows the types that answers have had so far. Types of users are looked up once; an OID keeps its meaning.
type typeCache struct {
	known sync.Map     // uint32 -> *Type
	keep  sync.RWMutex // read-locked while types are built of others, which must not be forgotten meanwhile
}

// forget makes types of users be looked up again.
func (c *typeCache) forget() {
	c.keep.Lock()
	defer c.keep.Unlock()
	c.known.Range(func(oid, _ any) bool {
		if oid.(uint32) >= firstUserOID {
			c.known.Delete(oid)
		}
		return true
	})
}

// builtin holds the common types; any other is looked up in pg_type. It is read only.
var builtin = func(types map[uint32]kindName) map[uint32]*Type {
	all := make(map[uint32]*Type, len(types))
	for oid, t := range types {
		all[oid] = &Type{OID: oid, Kind: t.kind, Name: t.name}
	}
	return all
}(map[uint32]kindName{
	pgtype.BoolOID: {Bool, "boolean"}, pgtype.Int2OID: {Int, "smallint"}, pgtype.Int4OID: {Int, "integer"},
	pgtype.OIDOID: {Int, "oid"}, pgtype.Int8OID: {BigInt, "bigint"}, pgtype.Float4OID: {Float, "real"},
	pgtype.Float8OID: {Float, "double precision"}, pgtype.NumericOID: {Numeric, "numeric"}, pgtype.JSONOID: {JSON, "json"},
	pgtype.JSONBOID: {JSON, "jsonb"}, pgtype.DateOID: {Date, "date"},
	pgtype.TimestampOID:   {Timestamp, "timestamp without time zone"},
	pgtype.TimestamptzOID: {Timestamptz, "timestamp with time zone"}, pgtype.UUIDOID: {UUID, "uuid"},
	pgtype.ByteaOID: {Bytea, "bytea"},
	pgtype.TextOID:  {Text, "text"}, pgtype.VarcharOID: {Text, "character varying"}, pgtype.BPCharOID: {Text, "character"},
	pgtype.NameOID: {Text, "name"}, pgtype.QCharOID: {Text, `"char"`}, pgtype.UnknownOID: {Text, "unknown"},
	pgtype.TimeOID: {Text, "time without time zone"}, pgtype.TimetzOID: {Text, "time with time zone"},
	pgtype.IntervalOID: {Text, "interval"},
	pgtype.InetOID:     {Text, "inet"}, pgtype.CIDROID: {Text, "cidr"}, pgtype.XMLOID: {Text, "xml"},
	pgtype.RecordOID: {Text, "record"},
	regclassOID:      {Text, "regclass"}, moneyOID: {Text, "money"}, voidOID: {Text, "void"},
	int2vectorOID: {Text, "int2vector"}, oidvectorOID: {Text, "oidvector"},
})

type kindName struct {
	kind Kind
	name string
}

// Types that pgtype has no name for (pg_type.dat); the two vectors are arrays that are not written as such.
const (
	int2vectorOID, oidvectorOID    = 22, 30
	moneyOID, regclassOID, voidOID = 790, 2205, 2278
)

// columns describes the columns of an answer, or gives nil if one has a type that must be looked up first.
func (c *typeCache) columns(fields []pgproto3.FieldDescription) []Column {
	cols := make([]Column, len(fields))
	for i, f := range fields {
		t := c.get(f.DataTypeOID)
		if t == nil {
			return nil
		}
		cols[i] = Column{Name: string(f.Name), Type: t}
	}
	return cols
}

// resolveColumns is columns for types that may have to be looked up.
func (c *typeCache) resolveColumns(s *session, fields []pgproto3.FieldDescription) ([]Column, error) {
	oids := make([]uint32, len(fields))
	for i, f := range fields {
		oids[i] = f.DataTypeOID
	}
	types, err := c.resolve(s, oids)
	cols := make([]Column, len(types))
	for i, t := range types {
		cols[i] = Column{Name: string(fields[i].Name), Type: t}
	}
	return cols, err
}

func (c *typeCache) get(oid uint32) *Type {
	if t, ok := builtin[oid]; ok {
		return t
	}
	t, _ := c.known.Load(oid)
	known, _ := t.(*Type)
	return known
}

// lookupTypes names the base of a domain and the items of an array, which are then looked up in turn.
const lookupTypes = `SELECT t.oid, t.typtype, t.typbasetype,
  CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
    THEN t.typelem ELSE 0 END, pg_catalog.format_type(t.oid, NULL), t.typdelim, e.typdelim,
  (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid)
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
WHERE t.oid = ANY ($1::pg_catalog.oid[])`

// resolve gives the types of oids, looking up those that are new.
func (c *typeCache) resolve(s *session, oids []uint32) ([]*Type, error) {
	c.keep.RLock()
	defer c.keep.RUnlock()
	if missing := c.missing(oids); len(missing) > 0 {
		if err := c.lookUp(s, missing); err != nil {
			return nil, err
		}
	}
	types := make([]*Type, len(oids))
	for i, oid := range oids {
		if types[i] = c.get(oid); types[i] == nil {
			types[i] = &Type{OID: oid, Kind: Text, Name: "oid " + strconv.FormatUint(uint64(oid), 10)}
			c.known.Store(oid, types[i])
		}
	}
	return types, nil
}

func (c *typeCache) missing(oids []uint32) []uint32 {
	var unknown []uint32
	for _, oid := range oids {
		if c.get(oid) == nil {
			unknown = append(unknown, oid)
		}
	}
	return unknown
}

// lookUp reads types from pg_type, and first those that they are made of.
func (c *typeCache) lookUp(s *session, oids []uint32) error {
	rows, err := s.query(lookupTypes, pgtext.OIDs(oids))
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
