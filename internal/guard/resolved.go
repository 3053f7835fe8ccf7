package guard

import "mcp-postgres/internal/sqlscan"

// Resolved is what the database says of the names in one statement. The lists go with those of the statement, by index.
type Resolved struct {
	// Database is the current one, Encoding that of its texts.
	Database, Encoding string
	// Secrets are known where mayShowSecrets asks for them.
	Secrets Secrets
	// Relations are what the names stand for; nil where there is no such relation.
	Relations []*Relation
	// Functions are the candidates for a name outside pg_catalog, and in pg_catalog where OwnFunction says no.
	Functions [][]Function
	// Operators are the functions behind the operators of that name outside pg_catalog, Types the types of that name.
	Operators [][]Function
	Types     [][]Type
	// Conversions are the types that have the name of a function: date(x) is a cast.
	Conversions [][]Type
	// Domains are those among the types in use, and in what they are made of.
	Domains []uint32
	// Casts are the functions of casts that may be meant and of domains that are named, Implied those that run because of
	// a type, constraint or index.
	Casts, Implied []Function
	// Orders are the functions that compare values of the types in use.
	Orders []Function
}

// newResolved has room for what the names of a statement stand for.
func newResolved(st *sqlscan.Statement) *Resolved {
	return &Resolved{
		Relations: make([]*Relation, len(st.Relations)), Functions: make([][]Function, len(st.Functions)),
		Operators: make([][]Function, len(st.Operators)), Types: make([][]Type, len(st.Types)),
		Conversions: make([][]Type, len(st.Functions)),
	}
}

// Relation is a table, view or the like.
type Relation struct {
	OID                     uint32
	Schema, Name, Extension string
	// Kind is pg_class.relkind.
	Kind string
	// System is one of PostgreSQL's own.
	System bool
	// Foreign is a foreign table, or one that has foreign tables as partitions or children.
	Foreign bool
	// RowSecurity reports policies on its rows.
	RowSecurity bool `json:"row_security"`
	// Rules reports that rewrite rules may belong to it; a view has one.
	Rules bool
}

// catalogue reports what is in the schemas of the catalogues, which extensions put relations into, too.
func (r *Relation) catalogue() bool {
	return r.System || r.Schema == "pg_catalog" || r.Schema == "information_schema"
}

// rangeConstructor is the Language of what PostgreSQL makes with each range type.
const rangeConstructor = "range"

// Function is a function of the database.
type Function struct {
	OID                               uint32
	Schema, Name, Language, Extension string
	// Kind is pg_proc.prokind.
	Kind string
	// System is one of PostgreSQL's own; Inner is one that implements an operator or aggregate of PostgreSQL's own.
	System, Inner bool
	// Of says how it is reached where it is not named, such as "operator ~~~".
	Of string
}

// Type is a type of the database.
type Type struct {
	Schema, Name, Extension string
	System                  bool
	// Row reports the row type of a table or view.
	Row bool
}
