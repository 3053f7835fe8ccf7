package sqlscan

// Statement is what PostgreSQL's own grammar says of one SQL statement. It names what the statement touches by itself;
// what stands behind a view, a function, an operator or a type, only the database knows.
type Statement struct {
	// Command is the command as PostgreSQL's command tags spell it: "SELECT", "INSERT", "COPY", "CREATE TABLE". VALUES and
	// TABLE are SELECT. For EXPLAIN it is the explained command.
	Command string
	// Explain reports EXPLAIN around the command, Analyze that the command is run by it.
	Explain, Analyze bool
	// Into reports SELECT INTO, at any depth.
	Into bool
	// Changes counts INSERT, UPDATE, DELETE and MERGE, at any depth.
	Changes int
	// Returns reports that the statement gives columns: a SELECT without INTO, or RETURNING.
	Returns bool
	// Relations are what the statement names after FROM, INTO, UPDATE and the like, common table expressions left out,
	// each once with all that is done to it, in their order.
	Relations []Relation
	// Functions are the functions called by name, aggregates, window functions, sampling methods and what may be a call in
	// field notation among them, each once.
	Functions []Object
	// Operators and Types are those that are used by name or implied, as = is by IN, each once. Types with a keyword of
	// their own, such as integer, have the schema pg_catalog. An array counts as its element.
	Operators, Types []Object
	// Constructs are parts of the language that run code of their own: "XMLTABLE", "JSON_TABLE", "XMLPARSE" and so on.
	Constructs []Object
	// Settings are what SHOW shows, in lower case; "all" for SHOW ALL.
	Settings []string
	// Params are the n of $n, sorted, each once.
	Params []int
	Columns
}

// Columns say which columns of the relations the statement can mean as values.
type Columns struct {
	// Names are those that it names. Every is set where it can mean any of them without naming it: by * within an
	// expression or a set operation, by NATURAL, by other names for columns.
	Names []string
	Every bool
	// Rows is set where a table is meant as a whole, or values are put into a row or an array; Arrays where there is an
	// array that is no column and comes from no function.
	Rows, Arrays bool
}

func (c *Columns) join(other Columns) {
	c.Names = append(c.Names, other.Names...)
	c.Every, c.Rows, c.Arrays = c.Every || other.Every, c.Rows || other.Rows, c.Arrays || other.Arrays
}

// Operation is what a statement does to a relation.
type Operation uint8

// The operations. Lock is SELECT ... FOR UPDATE and its like.
const (
	OpSelect Operation = 1 << iota
	OpInsert
	OpUpdate
	OpDelete
	OpLock
)

// Relation is a table, view or the like as the statement names it. Catalog and Schema are empty where they are not
// written.
type Relation struct {
	Catalog, Schema, Name string
	Ops                   Operation
	// Position is the 1-based character of its first mention, zero if unknown.
	Position int
}

// String is the name as the statement has it, its parts joined by dots.
func (r Relation) String() string {
	name := r.Name
	for _, part := range []string{r.Schema, r.Catalog} {
		if part != "" {
			name = part + "." + name
		}
	}
	return name
}

// Object is a function, operator, type or construct as the statement names it. Schema is empty where it is not written.
type Object struct {
	Schema, Name string
	// Field is a name that is not surely called: in field notation, as in (x).name, it is a column or a call of a function
	// with x.
	Field bool
	// Syntax is the version of PostgreSQL, as 170000, from which on json_value(x, y) and the like are a part of the
	// language. Older ones take them for calls.
	Syntax int
	// Position is the 1-based character of its first mention, zero if unknown.
	Position int
}

// Together are several statements as one that names all that they name.
func Together(all []*Statement) *Statement {
	if len(all) == 1 {
		return all[0]
	}
	st := &Statement{Command: "SELECT"}
	var functions, operators, types, constructs collection
	at := map[Relation]int{}
	for _, s := range all {
		st.Into = st.Into || s.Into
		st.Settings = append(st.Settings, s.Settings...)
		for _, r := range s.Relations {
			name := Relation{Catalog: r.Catalog, Schema: r.Schema, Name: r.Name}
			if i, ok := at[name]; ok {
				st.Relations[i].Ops |= r.Ops
				continue
			}
			at[name] = len(st.Relations)
			st.Relations = append(st.Relations, r)
		}
		functions.join(s.Functions)
		operators.join(s.Operators)
		types.join(s.Types)
		st.Columns.join(s.Columns)
		constructs.join(s.Constructs)
	}
	st.Functions, st.Operators, st.Types, st.Constructs = functions.all, operators.all, types.all, constructs.all
	return st
}
