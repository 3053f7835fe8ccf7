package registry

import (
	"context"
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

// Describe asks the database about the statements of a tool; none is run. What the guard refuses of a tool file on a server
// that is readOnly is a fault. The error is that of a database that did not answer.
func Describe(ctx context.Context, db Describer, t *catalog.Tool, readOnly bool) (Description, error) {
	d := describer{ctx: ctx, db: db, tool: t}
	d.main()
	if readOnly && t.Source != "" && t.Access == catalog.Read {
		d.guarded()
	}
	if t.NotFound != nil {
		d.side("not_found.when", t.NotFound.When, "one boolean", func(cols []postgres.Column) bool {
			return len(cols) == 1 && cols[0].Type.Kind == postgres.Bool
		})
		d.side("not_found.suggest", t.NotFound.Suggest, "names in the first column", func(cols []postgres.Column) bool { return len(cols) > 0 })
	}
	if d.err == nil && len(d.Faults) == 0 {
		d.Output, d.err = OutputSchema(t, d.Columns)
	}
	return d.Description, d.err
}

// Facts asks for what the requirements of tools are compared with: the server_version_num and the installed extensions.
func Facts(ctx context.Context, db Database) (version int, extensions []string, err error) {
	var rows firstColumn
	_, err = db.Run(ctx, postgres.Call{Keep: true, SQL: "SELECT pg_catalog.current_setting('server_version_num') UNION ALL " +
		"(SELECT e.extname FROM pg_catalog.pg_extension AS e ORDER BY e.extname)"}, &rows)
	if err != nil || len(rows.values) == 0 {
		return 0, nil, err
	}
	version, err = strconv.Atoi(rows.values[0])
	return version, rows.values[1:], err
}

type describer struct {
	Description
	ctx  context.Context
	db   Describer
	tool *catalog.Tool
	err  error
	// notices are those of the last statement asked about.
	notices []string
}

func (d *describer) main() {
	t := d.tool
	cols, refused := d.ask(t.Statement.SQL)
	for _, n := range d.notices {
		line, col := t.Position(1)
		d.Warnings = append(d.Warnings, faults.Fault{Path: t.Path, Line: line, Col: col, Rule: "notice", Problem: "PostgreSQL says: " + n})
	}
	if refused != nil {
		line, col := t.Position(refused.Position)
		if refused.Position == 0 {
			line, col = t.Position(1)
		}
		d.fault(line, col, d.reason(t.Statement, refused))
		return
	}
	d.Columns = cols
	if t.Result == catalog.Value && len(cols) != 1 {
		d.faultAt("result", fmt.Sprintf("result value: the statement gives %d columns: want one", len(cols)))
	}
	if t.Page != nil && d.err == nil {
		d.page()
	}
}

// guarded holds the tool's statements against read-only mode.
func (d *describer) guarded() {
	g := guard.New(guard.Config{DB: d.db, ReadOnly: true})
	for _, sql := range guard.Statements(d.tool) {
		if d.err != nil || len(d.Faults) > 0 {
			return
		}
		_, err := g.Authorize(d.ctx, sql)
		r := (*guard.Refusal)(nil)
		if !errors.As(err, &r) {
			d.err = err
			continue
		}
		line, col := d.tool.Position(1)
		if sql == d.tool.Statement.SQL && r.Position > 0 {
			line, col = d.tool.Position(r.Position)
		}
		d.fault(line, col, "read-only mode refuses it: "+r.Message)
	}
}

func (d *describer) page() {
	var names []string
	for _, c := range d.Columns {
		names = append(names, c.Name)
	}
	found := true
	for _, key := range d.tool.Page.Key {
		if !slices.Contains(names, key) {
			found = false
			d.faultAt("page.key", fmt.Sprintf("page key %q is no column of the answer%s", key, faults.DidYouMean(key, names)))
		}
	}
	if !found {
		return
	}
	if _, refused := d.ask(d.tool.Page.Next.SQL); refused != nil {
		d.faultAt("page.key", "page: "+refused.Message)
	}
}

// side looks at a statement beside the main one.
func (d *describer) side(key string, st catalog.Statement, want string, fits func([]postgres.Column) bool) {
	if st.SQL == "" || d.err != nil {
		return
	}
	cols, refused := d.ask(st.SQL)
	switch {
	case refused != nil:
		d.faultAt(key, key+": "+d.reason(st, refused))
	case d.err == nil && !fits(cols):
		d.faultAt(key, fmt.Sprintf("%s: the statement gives %s: want %s", key, plural(int64(len(cols)), "column"), want))
	}
}

// ask gives the columns, or the error that the statement is refused with; any other error is kept.
func (d *describer) ask(sql string) ([]postgres.Column, *postgres.Error) {
	if d.err != nil {
		return nil, nil
	}
	said, err := d.db.Describe(d.ctx, sql)
	d.notices = said.Notices
	var pg *postgres.Error
	if errors.As(err, &pg) && refusal(pg) {
		return nil, pg
	}
	d.err = err
	return said.Columns, nil
}

// refusal reports an error that is about the statement, not about the state of the server: SQLSTATE classes 0A, 22, 2x, 3x
// and 42.
func refusal(e *postgres.Error) bool {
	return !e.Retryable && (strings.HasPrefix(e.Code, "0A") || strings.HasPrefix(e.Code, "2") || strings.HasPrefix(e.Code, "3") || strings.HasPrefix(e.Code, "42"))
}

// reason words the error, with the nearest names where it is about one, the cast that a parameter needs, and PostgreSQL's hint.
func (d *describer) reason(st catalog.Statement, e *postgres.Error) string {
	m := &misnomer{sql: st.SQL, err: e, names: sqlscan.Names(st.SQL), permit: &guard.Permit{}, db: d.db}
	if aboutName(e.Code) && m.find() {
		if near := m.suggest(d.ctx); len(near) > 0 {
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
	tokens := slices.DeleteFunc(sqlscan.Lex(st.SQL), func(t sqlscan.Token) bool { return !t.Significant() })
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

func (d *describer) faultAt(key, problem string) {
	line, col := d.tool.KeyPosition(key)
	d.fault(line, col, problem)
}

func (d *describer) fault(line, col int, problem string) {
	d.Faults = append(d.Faults, faults.Fault{Path: d.tool.Path, Line: line, Col: col, Problem: problem})
}
