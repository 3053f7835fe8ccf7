package sqlscan

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pganalyze/pg_query_go/v6/parser"
)

// Body cuts the body of a function in SQL into its statements: a text of statements, or what pg_get_function_sqlbody
// gives of BEGIN ATOMIC and of RETURN.
func Body(text string) []string {
	var all []string
	start, atomic := 0, false
	var words []string // of the statement at hand, the first two
	cut := func(end int) {
		if len(words) > 0 && !(atomic && strings.EqualFold(words[0], "END")) {
			all = append(all, returned(text[start:end], words[0]))
		}
		start, words = end, nil
	}
	for _, t := range Lex(text) {
		if !t.Significant() {
			continue
		}
		token := text[t.Start:t.End]
		if token == ";" {
			cut(t.Start)
			start = t.End
			continue
		}
		words = append(words, token)
		if len(all) == 0 && len(words) == 2 && strings.EqualFold(words[0], "BEGIN") && strings.EqualFold(words[1], "ATOMIC") {
			start, words, atomic = t.End, nil, true
		}
	}
	cut(len(text))
	return all
}

// returned makes a query of RETURN.
func returned(statement, first string) string {
	statement = strings.TrimSpace(statement)
	if strings.EqualFold(first, "RETURN") {
		if i := strings.Index(strings.ToUpper(statement), "RETURN"); i >= 0 {
			return statement[:i] + "SELECT" + statement[i+len("RETURN"):]
		}
	}
	return statement
}

// plStatements are the statements of PL/pgSQL that run nothing but the SQL in their text.
var plStatements = []string{"assert", "assign", "block", "case", "close", "execsql", "exit", "fetch", "forc",
	"foreach_a", "fori", "fors",
	"getdiag", "if", "loop", "open", "perform", "raise", "return", "return_next", "return_query", "while"}

// PLpgSQL gives the SQL in a function in PL/pgSQL, from the text of its CREATE FUNCTION: its statements, its
// expressions and the types of its variables as queries. SQL that the function makes at run time can't be given: that
// is an error.
func PLpgSQL(create string) ([]string, error) {
	if len(create) > MaxBytes {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxBytes)
	}
	tree, err := parser.ParsePlPgSqlToJSON(create)
	if err != nil {
		return nil, errors.New("its PL/pgSQL can't be read")
	}
	var root any
	if err := json.Unmarshal([]byte(tree), &root); err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	w := plWalker{}
	w.walk(root)
	if len(w.all) == 0 && w.err == nil {
		w.all = []string{"SELECT"}
	}
	if w.err == nil && recordDefault.MatchString(significant(create)) {
		w.err = errors.New("it holds a record with a default, which can't be read")
	}
	return w.all, w.err
}

// recordDefault is the declaration of a record with a default, which the tree leaves out.
var recordDefault = regexp.MustCompile(
	`(?i)[;\s][^\s]+ (constant )?(pg_catalog \. )?"?record"? (not null )?(:=|=|default) `)

// significant is the text of a function without comments, its body not quoted, a blank after each token.
func significant(create string) string {
	var text strings.Builder
	for _, t := range Lex(create) {
		token := create[t.Start:t.End]
		switch {
		case !t.Significant():
		case t.Kind == String && token[0] == '$' && text.Len() < len(create):
			tag := token[:strings.IndexByte(token[1:], '$')+2]
			text.WriteString("; " + significant(strings.TrimSuffix(token[len(tag):], tag)))
		default:
			text.WriteString(token + " ")
		}
	}
	return text.String()
}

type plWalker struct {
	all []string
	err error
}

func (w *plWalker) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			w.walk(item)
		}
	case map[string]any:
		for key, value := range v {
			w.entry(key, value)
			w.walk(value)
		}
	}
}

func (w *plWalker) entry(key string, value any) {
	statement, isStatement := strings.CutPrefix(key, "PLpgSQL_stmt_")
	fields, _ := value.(map[string]any)
	switch {
	case strings.HasPrefix(statement, "dyn") || key == "dynquery":
		w.err = errors.New("it runs SQL that it makes at run time (EXECUTE)")
	case isStatement && !slices.Contains(plStatements, statement):
		w.err = fmt.Errorf("it holds a statement %s", strings.ToUpper(statement))
	case key == "PLpgSQL_expr":
		w.expression(fields)
	case key == "PLpgSQL_type":
		if name, _ := fields["typname"].(string); name != "" {
			w.typeName(name)
		}
	}
}

// typeName takes the type of a variable. That of a column is a part of its table's row.
func (w *plWalker) typeName(text string) {
	of, kind, copied := strings.Cut(text, "%")
	if !copied {
		w.all = append(w.all, "SELECT NULL::"+text)
		return
	}
	names := Names(of)
	if len(names) != 1 {
		w.err = errors.New("it holds a variable whose type can't be read: " + text)
		return
	}
	parts := names[0].Parts
	if strings.HasPrefix(strings.ToUpper(kind), "TYPE") {
		parts = parts[:len(parts)-1]
	}
	if len(parts) > 0 { // else it is the type of another variable
		w.all = append(w.all, "SELECT NULL::"+of[:parts[len(parts)-1].End])
	}
}

// expression takes SQL in one of the ways in which PL/pgSQL has it parsed.
func (w *plWalker) expression(fields map[string]any) {
	query, _ := fields["query"].(string)
	switch mode, _ := fields["parseMode"].(float64); mode {
	case 0:
		w.all = append(w.all, query)
	case 2:
		w.all = append(w.all, "SELECT "+query)
	case 3, 4, 5: // target := expression
		target, expression, ok := assignment(query)
		if !ok {
			w.err = errors.New("it holds an assignment that can't be read")
		}
		w.all = append(w.all, "SELECT "+target, "SELECT "+expression)
	default:
		w.err = errors.New("it holds an expression that can't be read")
	}
}

func assignment(query string) (target, expression string, ok bool) {
	depth := 0
	for _, t := range Lex(query) {
		switch token := query[t.Start:t.End]; token {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case ":=", "=":
			if depth == 0 {
				return query[:t.Start], query[t.End:], true
			}
		}
	}
	return "", "", false
}
