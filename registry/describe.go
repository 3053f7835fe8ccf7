package registry

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Describer is a Database that also says what a statement would give.
type Describer interface {
	Database
	Describe(context.Context, string) (postgres.Description, error)
}

// Description is what the database says of a tool file.
type Description struct {
	// Columns are those of the tool's statement, Output the JSON Schema of its answer.
	Columns []postgres.Column
	Output  json.RawMessage
	// Faults are what keeps the tool from working, at their place in the file.
	Faults faults.List
	// Warnings are what the database says of a statement that works.
	Warnings faults.List
}

// Describe asks the database about the statements of a tool; none is run. What the guard refuses of a tool file on a
// server that is readOnly is a fault. The error is that of a database that did not answer.
func Describe(ctx context.Context, db Describer, t *catalog.Tool, readOnly bool) (Description, error) {
	d := describer{db: db, tool: t}
	d.main(ctx)
	if readOnly && t.Source != "" && t.Access == catalog.Read {
		d.guarded(ctx)
	}
	if t.NotFound != nil {
		d.side(ctx, "not_found.when", t.NotFound.When, "one boolean", func(cols []postgres.Column) bool {
			return len(cols) == 1 && cols[0].Type.Kind == postgres.Bool
		})
		d.side(ctx, "not_found.suggest", t.NotFound.Suggest, "names in the first column", func(cols []postgres.Column) bool {
			return len(cols) > 0
		})
	}
	if d.err == nil && len(d.Faults) == 0 {
		d.Output, d.err = OutputSchema(t, d.Columns)
	}
	return d.Description, d.err
}

// Features asks for what the requirements of tools are compared with.
func Features(ctx context.Context, db Database) (*catalog.Features, error) {
	var rows firstColumn
	const sql = "SELECT pg_catalog.current_setting('server_version_num') UNION ALL " +
		"(SELECT e.extname FROM pg_catalog.pg_extension AS e ORDER BY e.extname)"
	_, err := db.Run(ctx, postgres.Call{SQL: sql, Prepare: true}, &rows)
	if err != nil || len(rows.values) == 0 {
		return &catalog.Features{}, err
	}
	version, err := strconv.Atoi(rows.values[0])
	return &catalog.Features{ServerVersion: version, Extensions: rows.values[1:]}, err
}

// volatileSQL gives the names of $1 that only volatile functions have.
//
//go:embed volatile.sql
var volatileSQL string

// Volatile warns of volatile functions in a tool that reads: they may have an effect, or answer differently each time.
func Volatile(ctx context.Context, db Database, t *catalog.Tool) (faults.List, error) {
	a := t.Statement.Analysis
	if t.Access != catalog.Read || a == nil || len(a.Functions) == 0 {
		return nil, nil
	}
	var names []string
	for _, f := range a.Functions {
		names = append(names, f.Name)
	}
	var found firstColumn
	call := postgres.Call{SQL: volatileSQL, Args: [][]byte{pgtext.Array(names)}, Prepare: true}
	if _, err := db.Run(ctx, call, &found); err != nil {
		return nil, fmt.Errorf("asking about functions: %w", err)
	}
	var warnings faults.List
	for _, f := range a.Functions {
		if slices.Contains(found.values, f.Name) {
			warnings = append(warnings, t.FaultAt(f.Position, "volatile", f.Name+" is a volatile function in a tool that "+
				"reads: want a stable one, it may have an effect or answer differently each time"))
		}
	}
	return warnings, nil
}

// describer asks about the statements of one tool. After an error it asks no more.
type describer struct {
	Description
	db   Describer
	tool *catalog.Tool
	err  error
}

// ask gives what the database says of a statement, or the error that it is refused with; any other error is kept.
func (d *describer) ask(ctx context.Context, sql string) (said postgres.Description, refused *postgres.Error) {
	if d.err != nil {
		return said, nil
	}
	said, err := d.db.Describe(ctx, sql)
	if errors.As(err, &refused) && aboutStatement(refused) {
		return said, refused
	}
	d.err = err
	return said, nil
}

// aboutStatement reports an error that is about the statement, not about the state of the server: SQLSTATE classes
// 0A, 22, 2x, 3x and 42.
func aboutStatement(e *postgres.Error) bool {
	return !e.Retryable && classes.MatchString(e.Code)
}

var classes = regexp.MustCompile(`^(0A|2|3|42)`)

func (d *describer) main(ctx context.Context) {
	t := d.tool
	said, refused := d.ask(ctx, t.Statement.SQL)
	for _, n := range said.Notices {
		d.Warnings = append(d.Warnings, t.FaultAt(1, "notice", "PostgreSQL says: "+n))
	}
	if refused != nil {
		d.Faults = append(d.Faults, t.FaultAt(max(refused.Position, 1), "", d.reason(ctx, t.Statement, refused)))
		return
	}
	d.Columns = said.Columns
	if t.Result == catalog.Value && len(d.Columns) != 1 {
		d.faultOf("result", fmt.Sprintf("result value: the statement gives %d columns: want one", len(d.Columns)))
	}
	if t.Page != nil && d.err == nil {
		d.page(ctx)
	}
}

// guarded asks the guard about the tool's statements in read-only mode.
func (d *describer) guarded(ctx context.Context) {
	g := guard.New(guard.Config{DB: d.db, ReadOnly: true})
	for _, sql := range guard.Statements(d.tool) {
		if d.err != nil || len(d.Faults) > 0 {
			return
		}
		_, err := g.Authorize(ctx, sql)
		var refused *guard.Refusal
		if !errors.As(err, &refused) {
			d.err = err
			continue
		}
		position := 1
		if sql == d.tool.Statement.SQL {
			position = max(refused.Position, 1)
		}
		d.Faults = append(d.Faults, d.tool.FaultAt(position, "", "read-only mode refuses it: "+refused.Message))
	}
}

func (d *describer) page(ctx context.Context) {
	var names []string
	for _, c := range d.Columns {
		names = append(names, c.Name)
	}
	known := true
	for _, key := range d.tool.Page.Key {
		if !slices.Contains(names, key) {
			known = false
			d.faultOf("page.key", fmt.Sprintf("page key %q is no column of the answer%s", key, faults.DidYouMean(key, names)))
		}
	}
	if !known {
		return
	}
	if _, refused := d.ask(ctx, d.tool.Page.Next.SQL); refused != nil {
		d.faultOf("page.key", "page: "+refused.Message)
	}
}

// side asks about a statement beside the main one.
func (d *describer) side(ctx context.Context, key string, st catalog.Statement, want string,
	fits func([]postgres.Column) bool) {
	if st.SQL == "" {
		return
	}
	said, refused := d.ask(ctx, st.SQL)
	switch {
	case refused != nil:
		d.faultOf(key, key+": "+d.reason(ctx, st, refused))
	case d.err == nil && !fits(said.Columns):
		columns := plural(int64(len(said.Columns)), "column")
		d.faultOf(key, fmt.Sprintf("%s: the statement gives %s: want %s", key, columns, want))
	}
}

func (d *describer) faultOf(key, problem string) {
	line, col := d.tool.KeyPosition(key)
	d.Faults = append(d.Faults, faults.Fault{Path: d.tool.Path, Line: line, Col: col, Problem: problem})
}

// reason is the message of an error, with the nearest names where it is about one, the cast that a parameter needs, and
// PostgreSQL's hint.
func (d *describer) reason(ctx context.Context, st catalog.Statement, e *postgres.Error) string {
	m := &unknownName{sql: st.SQL, err: e, names: sqlscan.Names(st.SQL), permit: &guard.Permit{}, db: d.db}
	if aboutName(e.Code) && m.find() {
		if near := m.suggest(ctx); len(near) > 0 {
			return e.Message + ": did you mean " + strings.Join(near, ", ") + "?"
		}
	}
	text := e.Message
	if cast := wantedCast(st, e); cast != "" {
		text += ": want " + cast
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

var (
	noOperator = regexp.MustCompile(`^operator does not exist: (.+) [^\w\s"]+ (.+)$`)
	wrongType  = regexp.MustCompile(`^column ".+" is of type (.+) but expression is of type (.+)$`)
)

// wantedCast finds the parameter that an error about types is at, and what makes it the other type: @status::mood.
func wantedCast(st catalog.Statement, e *postgres.Error) string {
	tokens := sqlscan.Significant(st.SQL)
	at := slices.IndexFunc(tokens, func(t sqlscan.Token) bool {
		return utf8.RuneCountInString(st.SQL[:t.Start]) >= e.Position-1
	})
	if at < 0 || e.Position == 0 {
		return ""
	}
	word := func(i int) string {
		if i < 0 || i >= len(tokens) {
			return ""
		}
		return strings.ToLower(st.SQL[tokens[i].Start:tokens[i].End])
	}
	if types := wrongType.FindStringSubmatch(e.Message); types != nil {
		return castOf(st, word(at), types[1])
	}
	types := noOperator.FindStringSubmatch(e.Message)
	if types == nil {
		return ""
	}
	right, array := at+1, ""
	for slices.Contains([]string{"any", "all", "some", "("}, word(right)) {
		if word(right) != "(" {
			array = "[]"
		}
		right++
	}
	if cast := castOf(st, word(right), types[1]+array); cast != "" {
		return cast
	}
	if word(at-2) == "::" { // the operand is $1::text
		return castOf(st, word(at-3), types[2])
	}
	return ""
}

// castOf casts the parameter that $n stands for; empty for any other word.
func castOf(st catalog.Statement, word, to string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(word, "$"))
	if err != nil || word[0] != '$' || n < 1 || n > len(st.Args) {
		return ""
	}
	return "@" + st.Args[n-1] + "::" + to
}
