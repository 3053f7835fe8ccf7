package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// maxSuggestions bounds the names in one suggestion.
const maxSuggestions = 3

// SQLSTATEs of errors about the caller's SQL.
const (
	codeSyntax     = "42601"
	codeAmbiguous  = "42702"
	codeNoTable    = "42P01"
	codeNoColumn   = "42703"
	codeNoFunction = "42883"
	codeNoSchema   = "3F000"
	codeNoObject   = "42704"
	codeDenied     = "42501"
)

// unknownName finds out which name of the caller's SQL PostgreSQL does not know, and what may have been meant.
type unknownName struct {
	sql   string
	err   *postgres.Error
	names []sqlscan.Name // all names of the SQL
	name  sqlscan.Name   // the wrong one

	// permit has the role of the caller: names that the role may not see are not suggested.
	permit *guard.Permit
	db     Database
}

// withSuggestion adds to an error about the caller's SQL what the next call needs: the nearest existing names, the
// columns of a table, the keyword that was meant, or the columns that may be read. It asks the database once; if that
// fails, the error stays as it is. Without a permit the statement was refused before PostgreSQL saw it.
func (q *queryTool) withSuggestion(ctx context.Context, p *guard.Permit, sql string, err error) error {
	e, ok := userMessage(err, sql)
	m := &unknownName{sql: sql, names: sqlscan.Names(sql), permit: p, db: q.db}
	position := 0
	if refusal := (*guard.Refusal)(nil); errors.As(err, &refusal) {
		position = refusal.Position
	} else if errors.As(err, &m.err) {
		position = m.err.Position
	}
	switch {
	case !ok:
		return err
	case e.Code == codeSyntax:
		if e.Suggestion = misspelt(sql, position); e.Suggestion != "" {
			e.Hint = ""
			return e
		}
		e.Hint = cmp.Or(hintOfDialect(sql), e.Hint)
		return e
	case p != nil && e.Code == codeDenied:
		return q.denied(ctx, p, sql, err)
	case p == nil || m.err == nil:
		return err
	case e.Code == codeNoObject:
		e.Hint = cmp.Or(hintOfDialect(sql), e.Hint)
	default:
		e.Hint = cmp.Or(hintOfDialect(e.Code+" "+e.Message), e.Hint)
	}
	switch {
	case e.Code == codeAmbiguous:
		e.Hint = ambiguousHint(m.names, strings.Join(m.quoted(), ""))
	case aboutName(e.Code) && m.find():
		m.explain(ctx, e)
	}
	return e
}

// explain adds the existing names, or a hint, to the error.
func (m *unknownName) explain(ctx context.Context, e *Error) {
	asked := map[string]string{codeNoFunction: m.name.String() + "(", codeNoObject: "::" + m.name.String()}[e.Code]
	if hint := hintOfDialect(asked); hint != "" {
		e.Hint = hint
		return
	}
	e.Suggestion = strings.Join(m.suggest(ctx), ", ")
	switch {
	case e.Code == codeNoColumn && e.Suggestion == "":
		hints := []string{m.notAColumn(), m.columnsHint(ctx)}
		hints = slices.DeleteFunc(hints, func(hint string) bool { return hint == "" })
		e.Hint = cmp.Or(strings.Join(hints, "; "), e.Hint)
	case e.Code == codeNoColumn:
		e.Hint = cmp.Or(m.notAColumn(), e.Hint)
	case e.Code == codeNoTable && e.Suggestion == "" && e.Hint == "" && m.isAlias():
		e.Hint = "no table of FROM or JOIN has this name: join the table, or write the alias that it has"
	case e.Code == codeNoTable && e.Suggestion == "" && e.Hint == "":
		e.Hint = cmp.Or(hintOfDialect("FROM "+m.name.String()), m.schemasHint(ctx))
	}
}

// beforeText is what stands before a value.
var beforeText = regexp.MustCompile(`(?i)(=|<>|->>?|\bI?LIKE|\bIN\s*\(\s*([\w'.]+\s*,\s*)*)\s*$`)

// notAColumn says what an unknown column may be instead: a text without its quotes, a name that the SELECT gives, or
// syntax of another database.
func (m *unknownName) notAColumn() string {
	at, name := m.offset(), m.name.String()
	if at > 0 && len(m.name.Parts) == 1 {
		if beforeText.MatchString(m.sql[:at]) {
			return fmt.Sprintf("if it is a text, write '%s'", name)
		}
		if regexp.MustCompile(`(?i)\bAS\s+"?` + regexp.QuoteMeta(name) + `"?(\W|$)`).MatchString(m.sql) {
			return name + " is a name that the SELECT gives: repeat its expression, or filter outside: " +
				"SELECT * FROM (SELECT ...) AS t WHERE " + name + " ..."
		}
	}
	return hintOfDialect(m.sql)
}

// nearestSignatures gives first the functions that take most of the types that the statement has.
func (m *unknownName) nearestSignatures(all []string) []string {
	_, given, _ := strings.Cut(m.err.Message, m.name.String()+"(")
	given, _, _ = strings.Cut(given, ")")
	others := func(signature string) (n int) {
		for _, name := range strings.Split(given, ", ") {
			if !strings.Contains(signature, name) {
				n++
			}
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(others(a), others(b)) })
	return all[:min(len(all), maxSuggestions)]
}

func (m *unknownName) permitted() map[string][]byte {
	return map[string][]byte{"caller_schemas": permittedSchemas(m.permit.Role),
		"caller_tables": permittedTables(m.permit.Role)}
}

// suggest gives the nearest names, as SQL writes them.
func (m *unknownName) suggest(ctx context.Context) []string {
	if m.isAlias() {
		return m.sources()
	}
	l := m.lookup()
	found, err := findNames(ctx, m.db, m.permit.Identity, l.args, m.permitted())
	if err != nil {
		return nil
	}
	if len(found.signatures) > 0 {
		return m.nearestSignatures(found.signatures)
	}
	names := found.nearest(l.word)
	for i, name := range names {
		names[i] = l.prefix + name
	}
	return names
}

// find looks for the wrong name at the position of the error, or else takes the first one that the message quotes. It
// reports false for a name that is not in the SQL: the body of a function has it.
func (m *unknownName) find() bool {
	at := m.offset()
	i := slices.IndexFunc(m.names, func(n sqlscan.Name) bool { return n.Covers(at) })
	if i >= 0 {
		m.name = m.names[i]
		return m.mentioned(m.name)
	}
	if m.err.Code == codeNoObject && !strings.HasPrefix(m.err.Message, `type "`) {
		return false
	}
	quoted := m.quoted()
	i = slices.IndexFunc(m.names, func(n sqlscan.Name) bool {
		if m.err.Code == codeNoFunction {
			return m.mentioned(n)
		}
		return len(quoted) > 0 && (n.String() == quoted[0] || n.Last().Text == quoted[0])
	})
	if i < 0 {
		return len(quoted) == 1 && m.inString(quoted[0])
	}
	m.name = m.names[i]
	return true
}

// quoted are the names in quotes of the message.
func (m *unknownName) quoted() []string {
	var all []string
	for i, part := range strings.Split(m.err.Message, `"`) {
		if i%2 == 1 {
			all = append(all, part)
		}
	}
	return all
}

// offset is the byte at which the error is, or -1.
func (m *unknownName) offset() int {
	return byteAt(m.sql, m.err.Position)
}

// mentioned reports whether the message is about the name, or a part of it.
func (m *unknownName) mentioned(n sqlscan.Name) bool {
	if m.err.Code == codeNoFunction {
		return strings.Contains(m.err.Message, n.String()+"(")
	}
	return slices.ContainsFunc(n.Parts, func(p sqlscan.Part) bool { return strings.Contains(m.err.Message, p.Text) })
}

// inString takes a name that the SQL holds as a string: 'name'::regclass.
func (m *unknownName) inString(name string) bool {
	if !strings.Contains(m.sql, "'"+name+"'") || m.err.Code == codeNoFunction {
		return false
	}
	for _, part := range strings.Split(name, ".") {
		m.name.Parts = append(m.name.Parts, sqlscan.Part{Text: part})
	}
	return true
}

// isAlias reports a column such as o.id whose o is unknown. PostgreSQL's code for it is that of an unknown table.
func (m *unknownName) isAlias() bool {
	n := len(m.name.Parts)
	if m.err.Code != codeNoTable || n == 1 || m.err.Position == 0 {
		return false
	}
	table := sqlscan.Name{Parts: m.name.Parts[n-2:]}
	return !strings.Contains(m.err.Message, table.String())
}

// sources are the aliases and tables of the SQL itself that an unknown qualifier is near to.
func (m *unknownName) sources() []string {
	var names candidates
	for _, s := range sqlscan.Sources(m.names) {
		table := s.Name.Last()
		if s.Alias != "" {
			names.add(s.Alias, s.Alias)
		} else {
			names.add(table.Text, m.sql[table.Start:table.End])
		}
	}
	return names.nearest(m.name.Parts[max(0, len(m.name.Parts)-2)].Text)
}

// relations are the tables that the wrong column may be of: those of its qualifier, or every name of the SQL.
func (m *unknownName) relations() []string {
	if quoted := m.quoted(); len(quoted) == 2 {
		return quoted[1:] // column "x" of relation "t"
	}
	var names []string
	if n := len(m.name.Parts); n > 1 {
		qualifier := m.name.Parts[n-2].Text
		for _, s := range sqlscan.Sources(m.names) {
			if s.Alias == qualifier {
				names = append(names, s.Name.Last().Text)
			}
		}
		if names == nil {
			names = []string{qualifier}
		}
		return names
	}
	for _, n := range m.names {
		names = append(names, n.Last().Text)
	}
	return names
}

// columnsHint lists the columns of the tables that the wrong one may be of.
func (m *unknownName) columnsHint(ctx context.Context) string {
	args := m.lookup().args
	args.word, args.completing = "", true
	found, err := findNames(ctx, m.db, m.permit.Identity, args, m.permitted())
	if err != nil || len(found.written) == 0 {
		return ""
	}
	hint := "the columns there are: " + listed(slices.Compact(slices.Sorted(slices.Values(found.written))))
	if m.sql[m.name.Last().Start] == '"' {
		hint += ". A text is written in single quotes"
	}
	return hint
}

// schemasHint lists the schemas there are, where the name of a table has one that is not among them.
func (m *unknownName) schemasHint(ctx context.Context) string {
	if len(m.name.Parts) != 2 {
		return ""
	}
	search := nameArgs{kind: catalog.NamesSchema, completing: true}
	found, err := findNames(ctx, m.db, m.permit.Identity, search, m.permitted())
	if err != nil || slices.Contains(found.names, m.name.Parts[0].Text) {
		return ""
	}
	return found.asSchemas()
}

// lookup is a search for names like the wrong one. word is what the names are compared with, prefix is written
// before the one that is suggested.
type lookup struct {
	args         nameArgs
	word, prefix string
}

func (m *unknownName) lookup() lookup {
	n := len(m.name.Parts)
	args := nameArgs{kind: "type", word: m.name.Last().Text}
	if n > 1 {
		args.schema = m.name.Parts[n-2].Text
	}
	word, prefix := joined(args.schema, args.word), ""
	switch m.err.Code {
	case codeNoTable:
		args.kind = catalog.NamesTable
	case codeNoColumn:
		args.kind, args.tables = catalog.NamesColumn, append([]string{}, m.relations()...)
		for _, n := range m.names {
			if len(n.Parts) > 1 {
				args.schemas = append(args.schemas, n.Parts[0].Text)
			}
		}
		word, prefix = args.word, m.sql[m.name.Parts[0].Start:m.name.Last().Start]
	case codeNoFunction:
		args.kind = catalog.NamesFunction
		_, list, _ := strings.Cut(m.err.Message, m.name.String()+"(")
		if list, _, _ = strings.Cut(list, ")"); list != "" {
			args.count = 1 + strings.Count(list, ",")
		}
	case codeNoSchema:
		args.kind, args.word = catalog.NamesSchema, m.name.Parts[0].Text
		word = args.word
	}
	return lookup{args, word, prefix}
}

// aboutName reports whether a SQLSTATE says that a name is unknown.
func aboutName(code string) bool {
	switch code {
	case codeNoTable, codeNoColumn, codeNoFunction, codeNoSchema, codeNoObject:
		return true
	}
	return false
}

func joined(schema, name string) string {
	if schema == "" {
		return name
	}
	return schema + "." + name
}
