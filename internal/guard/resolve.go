package guard

import (
	"context"
	_ "embed" // resolve.sql
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

//go:embed resolve.sql
var resolveSQL string

// question asks what the names of a statement stand for; resolve.sql says what its fields are.
type question struct {
	Relations []name       `json:"relations"`
	Functions []calledName `json:"functions"`
	Operators []name       `json:"operators"`
	Types     []name       `json:"types"`
	Values    []uint32     `json:"values"`
	Path      []string     `json:"path"`
	Recorded  bool         `json:"recorded"`
	Anywhere  bool         `json:"anywhere"`
	Columns   []string     `json:"columns"`
	Every     bool         `json:"every"`
	Rows      bool         `json:"rows"`
	Arrays    bool         `json:"arrays"`

	statement *sqlscan.Statement
}

type name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

type calledName struct {
	name
	Own      bool `json:"own"`
	Notation int  `json:"notation"`
}

// The types of what parts of the language make, such as JSON_ARRAY and XMLELEMENT.
const jsonType, xmlType = 114, 142

// newQuestion asks about a statement for a role; values are the types of those that it has from elsewhere.
func newQuestion(st *sqlscan.Statement, role *Role, values []uint32) question {
	q := question{statement: st, Relations: []name{}, Functions: []calledName{},
		Operators: names(st.Operators), Types: names(st.Types), Values: append([]uint32{}, values...),
		Columns: append([]string{}, st.Columns.Names...), Every: st.Every, Rows: st.Rows, Arrays: st.Arrays}
	for _, r := range st.Relations {
		q.Relations = append(q.Relations, name{r.Schema, r.Name})
	}
	for _, f := range st.Functions {
		c := calledName{name: name{f.Schema, f.Name}, Own: !OwnFunction(f.Name, role), Notation: f.Syntax}
		if f.Field {
			c.Notation = 1
		}
		q.Functions = append(q.Functions, c)
	}
	if len(st.Constructs) > 0 {
		q.Values = append(q.Values, jsonType, xmlType)
	}
	return q
}

func names(objects []sqlscan.Object) []name {
	all := []name{}
	for _, o := range objects {
		all = append(all, name{o.Schema, o.Name})
	}
	return all
}

// object is one that the database has; kinds are table, view, policy (those of a table), function, operator, class,
// family, domain.
type object struct {
	Kind string
	OID  uint32
}

// text is SQL or PL/pgSQL of an object.
type text struct {
	Label string
	// Form is query, expression or body for what PostgreSQL writes out of its catalogs, sql or plpgsql for what users
	// wrote, or setting for one that makes a text unreadable.
	Form, Text string
	// Path is the search path that a function sets, nil for none.
	Path *string
	// Values are the types of what the text has from elsewhere: columns, arguments.
	Values []uint32
}

// written reports a text of users, for which PostgreSQL has not recorded what it uses.
func (t text) written() bool { return t.Form == "sql" || t.Form == "plpgsql" }

// reply is the answer to some questions: a Resolved for each, and what the objects in them use.
type reply struct {
	Database, Encoding string
	Secrets            Secrets
	Answers            []answer
	Functions          []Function
	Labels             []struct {
		object
		Label string
	}
	Edges []struct {
		object
		Mentioned bool
		OfKind    string `json:"of_kind"`
		OfOID     uint32 `json:"of_oid"`
	}
	Texts []struct {
		object
		text
	}
}

type answer struct {
	Relations []struct {
		Ord int
		Relation
	}
	Types []struct {
		What string
		Ord  int
		Type
	}
	Domains []uint32
	Uses    []struct {
		What string
		Ord  int
		object
		Of string
	}
}

// Columns implements postgres.Sink.
func (r *reply) Columns([]postgres.Column) {}

// Row implements postgres.Sink.
func (r *reply) Row(v [][]byte) bool {
	if err := json.Unmarshal(v[0], r); err != nil {
		r.Answers = nil
	}
	return true
}

// ask asks the database; the search path and role of id are in force meanwhile.
func (g *Guard) ask(
	ctx context.Context, questions []question, id *postgres.SessionIdentity) (*graph, []*Resolved, error) {
	statements, err := json.Marshal(questions)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the names of a statement: %w", err)
	}
	var secrets []byte
	if g.ReadOnly && slices.ContainsFunc(questions, func(q question) bool { return mayShowSecrets(q.statement) }) {
		secrets = []byte(SecretSetting)
	}
	var r reply
	call := postgres.Call{SQL: resolveSQL, Args: [][]byte{statements, strconv.AppendBool(nil, g.ReadOnly), secrets},
		Prepare: true, GenericPlan: true, Identity: id}
	if _, err := g.DB.Run(ctx, call, &r); err != nil {
		return nil, nil, err
	}
	if len(r.Answers) != len(questions) {
		return nil, nil, fmt.Errorf("resolving names: %d answers to %d questions", len(r.Answers), len(questions))
	}
	known := newGraph(&r)
	var all []*Resolved
	for i, q := range questions {
		all = append(all, r.resolved(q.statement, r.Answers[i], known))
	}
	return known, all, nil
}

// resolved sorts an answer by the names of its statement.
func (r *reply) resolved(st *sqlscan.Statement, a answer, known *graph) *Resolved {
	f := newResolved(st)
	f.Database, f.Encoding, f.Secrets, f.Domains = r.Database, r.Encoding, r.Secrets, a.Domains
	for _, found := range a.Relations {
		f.Relations[found.Ord-1] = &found.Relation
	}
	for _, t := range a.Types {
		list := f.Types
		if t.What == "conversion" {
			list = f.Conversions
		}
		list[t.Ord-1] = append(list[t.Ord-1], t.Type)
	}
	for _, u := range a.Uses {
		functions := known.functionsOf(u.object, u.Of)
		switch u.What {
		case "function":
			f.Functions[u.Ord-1] = append(f.Functions[u.Ord-1], functions...)
		case "operator":
			f.Operators[u.Ord-1] = append(f.Operators[u.Ord-1], functions...)
		case "cast":
			f.Casts = append(f.Casts, functions...)
		case "order":
			f.Orders = append(f.Orders, functions...)
		default:
			f.Implied = append(f.Implied, functions...)
		}
	}
	return f
}

// graph is what objects use, as PostgreSQL has recorded it, and their texts.
type graph struct {
	functions map[uint32]Function
	labels    map[object]string
	uses      map[object][]object
	texts     map[object][]text
}

func newGraph(r *reply) *graph {
	g := &graph{map[uint32]Function{}, map[object]string{}, map[object][]object{}, map[object][]text{}}
	for _, f := range r.Functions {
		g.functions[f.OID] = f
	}
	for _, l := range r.Labels {
		g.labels[l.object] = l.Label
	}
	for _, e := range r.Edges {
		if of := (object{e.OfKind, e.OfOID}); !e.Mentioned && of != e.object {
			g.uses[of] = append(g.uses[of], e.object)
		}
	}
	for _, t := range r.Texts {
		g.texts[t.object] = append(g.texts[t.object], t.text)
	}
	return g
}

// join adds what another graph has.
func (g *graph) join(other *graph) {
	maps.Copy(g.functions, other.functions)
	maps.Copy(g.labels, other.labels)
	maps.Copy(g.uses, other.uses)
	maps.Copy(g.texts, other.texts)
}

// functionsOf gives the function, or those of an operator, operator class or family; of says what leads to them.
func (g *graph) functionsOf(o object, of string) []Function {
	var all []Function
	seen := map[object]bool{}
	var visit func(object)
	visit = func(o object) {
		if seen[o] {
			return
		}
		seen[o] = true
		if f, ok := g.functions[o.OID]; ok && o.Kind == "function" {
			f.Of = of
			all = append(all, f)
			return
		}
		for _, used := range g.uses[o] {
			visit(used)
		}
	}
	visit(o)
	return all
}
