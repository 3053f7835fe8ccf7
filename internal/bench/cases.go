package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/catalog"
)

// benchCase is one tool call.
type benchCase struct {
	name     string
	database string // sample or wide
	tool     string
	args     string // a JSON object
	rows     int    // that the SQL gives
	list     string // the list in the answer, or csv or markdown for an answer that is no JSON
	items    int    // in that list
	hard     string // the tool of the hard-coded server that does the same
}

const (
	sampleName   = "sample"
	selectOneSQL = "SELECT 1 AS one"
)

// Cases whose results are held against goals.
const (
	caseOneTool   = "SELECT 1, tool file"
	caseOneQuery  = "SELECT 1, query"
	caseRowsTool  = "1,000 x 8, tool file"
	caseRowsQuery = "1,000 x 8, query "
	caseList      = "list_tables, wide"
	caseDescribe  = "describe_table, wide"
)

// cases are the wanted ones of all that can be measured.
func (b *bench) cases() []benchCase {
	rowsSQL := b.catalog.Tool("thousand_rows").Statement.SQL
	list := []benchCase{
		{caseOneTool, sampleName, "select_one", `{}`, 1, "items", 1, "select_one"},
		{caseOneQuery, sampleName, "query", queryArgs(selectOneSQL, "json"), 1, "items", 1, "select_one"},
		{caseRowsTool, sampleName, "thousand_rows", `{}`, 1000, "items", 1000, "thousand_rows"},
	}
	for _, format := range []string{"json", "csv", "markdown"} {
		counted := format
		if format == "json" {
			counted = "items"
		}
		list = append(list, benchCase{caseRowsQuery + format, sampleName, "query", queryArgs(rowsSQL, format), 1000, counted, 1000, "thousand_rows"})
	}
	list = append(list, explore(sampleName, "shop", "orders", sizes{12, 9, 5, 5})...)
	list = append(list, explore(wideName, "area_01", "item_0102", sizes{wideTables, 8, 2, 2})...)
	return slices.DeleteFunc(list, func(c benchCase) bool { return !wanted(b.only, c.name) })
}

// sizes are the tables of a schema, the columns of a table, its foreign keys and its declared relationships.
type sizes struct{ tables, columns, keys, relationships int }

// explore are the calls of the catalogue tools.
func explore(database, schema, table string, n sizes) []benchCase {
	one := fmt.Sprintf(`{"table_name":%q,"schema":%q}`, table, schema)
	return []benchCase{
		{"list_tables, " + database, database, "list_tables", fmt.Sprintf(`{"schema":%q,"page_size":400}`, schema), n.tables, "items", n.tables, ""},
		{"describe_table, " + database, database, "describe_table", one, 1, "columns", n.columns, ""},
		{"get_foreign_keys, " + database, database, "get_foreign_keys", one, n.keys, "items", n.keys, ""},
		{"find_relationships, " + database, database, "find_relationships", one, 1, "explicit", n.relationships, ""},
	}
}

func queryArgs(sql, format string) string {
	b, err := json.Marshal(map[string]any{"sql": sql, "row_limit": 1000, "format": format})
	if err != nil {
		panic(err) // strings and a number
	}
	return string(b)
}

// isQuery reports a call of the tool query, whose SQL is an argument.
func (c *benchCase) isQuery() bool { return c.tool == "query" }

// isText reports an answer that is no JSON.
func (c *benchCase) isText() bool { return c.list == "csv" || c.list == "markdown" }

// statement gives the SQL of the call and its values in PostgreSQL's text form; nil is NULL.
func (c *benchCase) statement(cat *catalog.Catalog) (sql string, values [][]byte, err error) {
	var args map[string]any
	if err := json.Unmarshal([]byte(c.args), &args); err != nil {
		return "", nil, fmt.Errorf("%s: reading the arguments: %w", c.name, err)
	}
	if c.isQuery() {
		return args["sql"].(string), nil, nil
	}
	t := cat.Tool(c.tool)
	if t == nil {
		return "", nil, fmt.Errorf("%s: there is no tool %s", c.name, c.tool)
	}
	st := t.Statement
	if t.Page != nil {
		st = t.Page.First
		args[catalog.PageLimit] = args["page_size"].(float64) + 1
	}
	values = make([][]byte, len(st.Args))
	for i, name := range st.Args {
		if v, ok := args[name]; ok {
			values[i] = fmt.Append(nil, v)
		}
	}
	return st.SQL, values, nil
}

// check counts what is in the text of an answer.
func (c *benchCase) check(text string) error {
	got := 0
	switch c.list {
	case "csv":
		got = strings.Count(text, "\n") - 1
	case "markdown":
		got = strings.Count(text, " |\n") - 2
	default:
		var answer map[string]json.RawMessage
		var items []json.RawMessage
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return fmt.Errorf("%s: reading the answer: %w", c.name, err)
		}
		if err := json.Unmarshal(answer[c.list], &items); err != nil {
			return fmt.Errorf("%s: the answer has no list %s: %.300s", c.name, c.list, text)
		}
		got = len(items)
	}
	if got != c.items {
		return fmt.Errorf("%s: got %d %s, want %d: %.300s", c.name, got, c.list, c.items, text)
	}
	return nil
}
