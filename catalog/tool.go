// Package catalog loads tool files: SQL with a YAML header. It knows YAML and SQL text; no database and no MCP.
//
// After Load every Tool is valid, and nobody checks again.
//
// The package is a part of the server and no library: packages of this module import it, and its API changes with them.
package catalog

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

// Tool is one tool file, parsed and compiled.
type Tool struct {
	// Name is the tool name, ^[a-z][a-z0-9_]{0,63}$; by default the file name without ".sql".
	Name string
	// Title is for people; it may be empty.
	Title string
	// Description is for the model; it is never empty.
	Description string
	// Toolset is the folder that holds the file.
	Toolset string
	// Path is the file's path as shown in messages.
	Path string
	// Source is the Name of the Source that the file is from; Parse leaves it empty.
	Source string
	// Params are the declared parameters in the order of the file.
	Params []Param
	// Access says whether the statement only reads.
	Access Access
	// RollsBack says that whatever a tool in code writes is undone.
	RollsBack bool `json:"-"`
	// Hints are the MCP tool annotations that Access does not give.
	Hints Hints
	// Result is the shape of the answer.
	Result Result
	// OmitNull leaves columns that are NULL out of the answer.
	OmitNull bool
	// Page is nil for a tool without pages.
	Page *Page
	// NotFound is nil where an empty result is no error.
	NotFound *NotFound
	// Limits of the tool; a zero field leaves the server's limit in force.
	Limits Limits
	// Trust says whose permissions the SQL runs under.
	Trust Trust
	// Roles are the roles of the permissions that see the tool; none means all.
	Roles []string
	// Requires is what the database must have.
	Requires Requires
	// Database is the one of several that the tool is for; empty is any.
	Database string
	// Examples are calls that show how the tool is used, Tests those that "mcp-postgres test" makes.
	Examples []Example
	Tests    []Test
	// Use names the fragments that are compiled in before the SQL, each after what it needs.
	Use []string
	// SQL is the text below the header, as written.
	SQL string
	// Statement is SQL compiled, without pages.
	Statement Statement

	origin *origin // see Position
}

// Statement is SQL that PostgreSQL understands: each @name has become $n::type.
type Statement struct {
	// SQL holds one statement without a closing semicolon.
	SQL string
	// Args names what is bound to $1, $2, ...: a parameter, one of the caller_ names, ArgNotes, or for the two statements
	// of a Page also one of the page_ names.
	Args []string
	// Analysis is what PostgreSQL's grammar says of SQL. The statements of a Page have none: they are the tool's own,
	// wrapped; nor have those of a file that was checked before.
	Analysis *sqlscan.Statement `json:"-"`
}

// Position returns the line and column of the file, from 1, for a position in Statement.SQL as PostgreSQL reports it:
// in characters, from 1. What lies in a $n::type is at its @name, and what lies in a fragment at the key use. A
// position outside the SQL gives the nearest one. A tool that Parse did not make has none: 0, 0.
func (t *Tool) Position(offset int) (line, col int) {
	if t.origin == nil || len(t.origin.pieces) == 0 {
		return 0, 0
	}
	return t.origin.position(max(0, min(offset-1, utf8.RuneCountInString(t.Statement.SQL))))
}

// FaultAt is a fault, or a warning with its rule, at a position in Statement.SQL.
func (t *Tool) FaultAt(offset int, rule, problem string) faults.Fault {
	line, col := t.Position(offset)
	return faults.Fault{Path: t.Path, Line: line, Col: col, Rule: rule, Problem: problem}
}

// KeyPosition returns the line and column of a value of the header, such as "result" or "page.key"; 1, 1 for one that
// is not there.
func (t *Tool) KeyPosition(key string) (line, col int) {
	if t.origin != nil && t.origin.file.keys[key] != nil {
		n := t.origin.file.keys[key]
		return n.Line, n.Column
	}
	return 1, 1
}

// Text is the text of the whole file.
func (t *Tool) Text() string {
	if t.origin == nil {
		return t.SQL
	}
	return t.origin.file.Text
}

// The arguments that a tool has beside its own.
const (
	ArgPageSize = "page_size"
	ArgCursor   = "cursor"
	// ArgDryRun is that of query and of tools that write: the call is rolled back at its end.
	ArgDryRun = "dry_run"
)

// CanTry reports a tool with the argument dry_run of the server. A file may have one of its own.
func (t *Tool) CanTry() bool {
	own := slices.ContainsFunc(t.Params, func(p Param) bool { return p.Name == ArgDryRun })
	return t.Access == Write && !t.RollsBack && !own
}

// Arguments are the parameters, and those that pages and writing add.
func (t *Tool) Arguments() []Param {
	own := t.Params[:len(t.Params):len(t.Params)]
	switch {
	case t.CanTry():
		return append(own, Param{Name: ArgDryRun, Type: Type{Scalar: Boolean}, Description: "Try it, then roll back."})
	case t.Page == nil:
		return own
	}
	return append(own,
		Param{Name: ArgPageSize, Type: Type{Scalar: Integer}, Default: json.Number(strconv.Itoa(t.Page.Size)),
			Minimum: "1", Maximum: strconv.Itoa(t.Page.Max)},
		Param{Name: ArgCursor, Type: Type{Scalar: String}, Description: "next_cursor of the previous page."})
}

// Access is read or write.
type Access string

// The kinds of access.
const (
	Read  Access = "read"  // runs in a READ ONLY transaction
	Write Access = "write" // commits
)

// Result is the shape of a tool's answer.
type Result string

// The shapes of DESIGN: a list, exactly one row, one column of one row, the same as a text that is not JSON, or the
// number of rows written.
const (
	Rows     Result = "rows"
	Object   Result = "object"
	Value    Result = "value"
	Text     Result = "text"
	Query    Result = "query" // the rows of the SQL that the statement writes
	Affected Result = "affected"
)

// Trust says whose permissions a tool's SQL needs.
type Trust string

// The kinds of trust.
const (
	// TrustCaller: the caller must be allowed every relation that the SQL reads or writes.
	TrustCaller Trust = "caller"
	// TrustOwner: the operator vouches for the SQL; the caller needs only the tool.
	TrustOwner Trust = "owner"
)

// Hints are the annotations of the MCP specification (ToolAnnotations) beside readOnlyHint and title.
type Hints struct {
	Idempotent, Destructive, OpenWorld bool
}

// Limits bound one call. Zero means the server's limit.
type Limits struct {
	Timeout     time.Duration
	Rows        int // rows of the answer
	Bytes       int // bytes of the answer
	MaxAffected int // rows a write tool may write; more roll back
}

// Page describes keyset pages: the statement is wrapped, never rewritten.
type Page struct {
	// Key are the output columns that order the pages, together unique and not null, all in one direction.
	Key []string
	// Descending turns the order of the whole key around.
	Descending bool
	// Size is the rows of a page when the call names none, Max the most it may name.
	Size, Max int
	// First and Next are the compiled statements of the first and of a later page. Both bind PageLimit; Next also binds
	// PageKey(i) for each column of Key.
	First, Next Statement
}

// PageKey is the name in Statement.Args of the value of Page.Key[i-1] in the last row of the page before; i counts
// from 1.
func PageKey(i int) string { return fmt.Sprintf("page_key_%d", i) }

// PageLimit is the name in Statement.Args of the row limit of a page.
const PageLimit = "page_limit"

// Requires is what the database must have for a tool to be offered.
type Requires struct {
	// Extensions must be installed in the database.
	Extensions []string
	// ServerVersion is the least version of the server as PostgreSQL's server_version_num counts, 150000 for 15; zero
	// means any.
	ServerVersion int
}

// Features are what a database has, in the terms of Requires.
type Features Requires

// Unmet says what a database lacks, or is empty.
func (r Requires) Unmet(has *Features) string {
	var lacks []string
	if has.ServerVersion < r.ServerVersion {
		lacks = append(lacks, fmt.Sprintf("requires PostgreSQL %s or later, the server has %s",
			shownVersion(r.ServerVersion), shownVersion(has.ServerVersion)))
	}
	for _, name := range r.Extensions {
		if !slices.Contains(has.Extensions, name) {
			lacks = append(lacks, fmt.Sprintf("requires the extension %s, which is not installed in the database", name))
		}
	}
	return strings.Join(lacks, "; ")
}

// shownVersion writes 150004 as 15.4.
func shownVersion(n int) string {
	if n%10000 == 0 {
		return strconv.Itoa(n / 10000)
	}
	return fmt.Sprintf("%d.%d", n/10000, n%10000)
}

// NotFound distinguishes an empty answer from a wrong name.
type NotFound struct {
	// When is asked for one boolean after an empty result; empty SQL means always true.
	When Statement
	// Message may hold {param}. The first {param} is the name that candidates are compared with.
	Message string
	// Suggest gives candidate names in its first column; empty SQL means none.
	Suggest Statement
}

// Param is one argument of a tool.
type Param struct {
	Name        string
	Type        Type
	Description string
	Required    bool
	// Default is nil without a default. Values here and in Enum and Examples are the JSON values that fit Type: string,
	// json.Number, bool, []any, and for json anything.
	Default any
	// Enum lists the values allowed; for an array type, those of its items.
	Enum               []any
	Minimum, Maximum   string // numbers as written; empty without a bound
	MinLength          *int   // characters
	MaxLength          *int   // characters
	Pattern            string // regular expression (ECMA 262 subset of RE2)
	MinItems, MaxItems *int
	Examples           []any
	// Names is the kind of thing that the argument is the name of; empty for any other argument.
	Names string

	compiled *regexp.Regexp // Pattern, of a parameter of a file
	several  bool           // the SQL takes a list of names
}

// The kinds of names.
const (
	NamesSchema   = "schema"
	NamesTable    = "table" // or view
	NamesColumn   = "column"
	NamesFunction = "function"
)

// Type is the type of a parameter.
type Type struct {
	Scalar Scalar
	Array  bool
}

// Scalar is one of the scalar types of a tool file.
type Scalar string

// The scalar types.
const (
	String      Scalar = "string"
	Integer     Scalar = "integer"
	Number      Scalar = "number"
	Boolean     Scalar = "boolean"
	Date        Scalar = "date"
	Time        Scalar = "time"
	Timestamp   Scalar = "timestamp"
	Timestamptz Scalar = "timestamptz"
	Interval    Scalar = "interval"
	UUID        Scalar = "uuid"
	JSON        Scalar = "json"
	// Any is every JSON value as it is; it is for the server's own tools, not for files.
	Any Scalar = "any"
)

// scalars are the names of those that a tool file may use.
var scalars = []string{"string", "integer", "number", "boolean", "date", "time", "timestamp", "timestamptz", "interval",
	"uuid", "json"}

// String writes the type as a tool file does, for example "string[]".
func (t Type) String() string {
	if t.Array {
		return string(t.Scalar) + "[]"
	}
	return string(t.Scalar)
}
