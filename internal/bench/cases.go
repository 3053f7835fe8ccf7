package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// benchCase is one tool call.
type benchCase struct {
	name     string
	on       int // the index of its database
	tool     string
	args     string // a JSON object
	mark     string // occurs count times in a right answer
	count    int
	hard     string // the tool of the hard-coded server that does the same; empty for none
}

const selectOneSQL = "SELECT 1 AS one"

// Cases whose results are held against goals.
const (
	caseOneTool  = "SELECT 1, tool file"
	caseOneQuery = "SELECT 1, query"
	caseJSON     = "1,000 x 8, query json"
	caseCSV      = "1,000 x 8, query csv"
	caseMarkdown = "1,000 x 8, query markdown"
	caseList     = "list_tables, wide"
	caseDescribe = "describe_table, wide"
)

// cases are the wanted ones of all that can be measured.
func (b *bench) cases() []benchCase {
	rows := b.catalog.Tool("thousand_rows").Statement.SQL
	const (
		orders = `{"schema":"shop","table_name":"orders"}`
		item   = `{"schema":"area_01","table_name":"item_0102"}`
	)
	list := []benchCase{
		{caseOneTool, sample, "select_one", `{}`, `"one":`, 1, "select_one"},
		{caseOneQuery, sample, "query", queryArgs(selectOneSQL, "json"), `"one":`, 1, "select_one"},
		{"1,000 x 8, tool file", sample, "thousand_rows", `{}`, `"id":`, 1000, "thousand_rows"},
		{caseJSON, sample, "query", queryArgs(rows, "json"), `"id":`, 1000, "thousand_rows"},
		{caseCSV, sample, "query", queryArgs(rows, "csv"), "\n", 1001, ""},
		{caseMarkdown, sample, "query", queryArgs(rows, "markdown"), " |\n", 1002, ""},
		{"list_tables, sample", sample, "list_tables", listArgs("shop"), `"table_name":`, 12, ""},
		{"describe_table, sample", sample, "describe_table", orders, `"nullable":`, 9, ""},
		{"get_foreign_keys, sample", sample, "get_foreign_keys", orders, `"direction":`, 5, ""},
		{"find_relationships, sample", sample, "find_relationships", orders, `"constraint":`, 5, ""},
		{caseList, wide, "list_tables", listArgs("area_01"), `"table_name":`, wideTables, ""},
		{caseDescribe, wide, "describe_table", item, `"nullable":`, 8, ""},
		{"get_foreign_keys, wide", wide, "get_foreign_keys", item, `"direction":`, 2, ""},
		{"find_relationships, wide", wide, "find_relationships", item, `"constraint":`, 2, ""},
	}
	return slices.DeleteFunc(list, func(c benchCase) bool { return !b.only.MatchString(c.name) })
}

func listArgs(schema string) string { return fmt.Sprintf(`{"schema":%q,"page_size":400}`, schema) }

func queryArgs(sql, format string) string {
	text, err := json.Marshal(sql)
	if err != nil {
		panic(err) // a string
	}
	return fmt.Sprintf(`{"sql":%s,"row_limit":1000,"format":%q}`, text, format)
}

// check counts what is in the text of an answer, and gives the size of the text.
func (c *benchCase) check(answer []byte) (size int, err error) {
	text, err := answerText(answer)
	if n := strings.Count(text, c.mark); err == nil && n != c.count {
		err = fmt.Errorf("got %d times %q, want %d: %.300s", n, c.mark, c.count, text)
	}
	return len(text), err
}
