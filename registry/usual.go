package registry

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

//go:embed usual.sql
var usualSQL string

// usualValues are values for the placeholders of a statement, where PostgreSQL has no plan for any value: the common
// ones of the columns that they are compared with, and rare ones. A caller with a role is not told values of columns.
func (e *explainTool) usualValues(ctx context.Context, sql string, count int) (common, rare []any, err error) {
	st, err := sqlscan.Analyze(sql)
	if _, on := roleOf(ctx); on || err != nil {
		return nil, nil, argumentError("parameters: want a value for each placeholder: before PostgreSQL 16 there is no " +
			"plan for any value")
	}
	compared := comparedColumns(sql, count)
	var tables []string
	for _, r := range st.Relations {
		tables = append(tables, pgtext.Identifier(r.Schema, r.Name))
	}
	var rows firstColumn
	_, err = e.db.Run(ctx, postgres.Call{SQL: usualSQL, Args: [][]byte{pgtext.Array(compared), pgtext.Array(tables)}},
		&rows)
	if err != nil {
		return nil, nil, fmt.Errorf("asking for values of columns: %w", err)
	}
	common, rare = make([]any, count), make([]any, count)
	for _, row := range rows.values {
		var place int
		var a, b any
		if err := json.Unmarshal([]byte(row), &[]any{&place, &a, &b}); err != nil {
			return nil, nil, err
		}
		common[place-1], rare[place-1] = a, b
	}
	for i, column := range compared {
		switch {
		case column == "LIMIT" || column == "OFFSET":
			common[i], rare[i] = "100", "100"
		case common[i] == nil && st.Command != "INSERT":
			return nil, nil, argumentError(fmt.Sprintf("parameters: want values: before PostgreSQL 16 there is no plan for "+
				"any value, "+
				"and no usual value is known for $%d", i+1))
		}
	}
	return common, rare, nil
}

// between are the words that may stand between a column and the placeholder that it is compared with.
var between = map[string]bool{"(": true, ",": true, "AND": true, "ANY": true, "IN": true, "BETWEEN": true,
	"LIKE": true, "ILIKE": true, "NOT": true}

// comparedColumns are the columns that $1, $2, ... are compared with, or LIMIT and OFFSET; empty where none is found.
func comparedColumns(sql string, count int) []string {
	all := sqlscan.Significant(sql)
	word := func(i int) string { return sql[all[i].Start:all[i].End] }
	columns := make([]string, count)
	for i, t := range all {
		n := 0
		if t.Kind != sqlscan.Positional || !placeholder(word(i), &n) || n < 1 || n > count || columns[n-1] != "" {
			continue
		}
		if i+2 < len(all) && all[i+1].Kind == sqlscan.Operator && all[i+2].Kind <= sqlscan.Quoted {
			at := i + 2
			for at+2 < len(all) && word(at+1) == "." {
				at += 2
			}
			columns[n-1] = named(word(at))
			continue
		}
		at := i - 1
		for at > 0 && (all[at].Kind == sqlscan.Operator && strings.ContainsAny(word(at), "=<>~@") ||
			all[at].Kind == sqlscan.Positional || between[strings.ToUpper(word(at))]) {
			at--
		}
		switch name := word(max(at, 0)); {
		case at < 0 || all[at].Kind > sqlscan.Quoted:
		case strings.EqualFold(name, "LIMIT") || strings.EqualFold(name, "OFFSET"):
			columns[n-1] = strings.ToUpper(name)
		default:
			columns[n-1] = named(name)
		}
	}
	return columns
}

// named is the name that an identifier stands for.
func named(word string) string {
	if word[0] == '"' {
		return pgtext.Unquote(word)
	}
	return strings.ToLower(word)
}

// placeholder reads $n.
func placeholder(word string, n *int) bool {
	_, err := fmt.Sscanf(word, "$%d", n)
	return err == nil
}
