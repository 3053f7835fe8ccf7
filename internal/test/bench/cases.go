package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// benchCase is one tool call.
type benchCase struct {
	name    string
	on      string // its database
	request string // of MCP
	mark    string // occurs count times in the text of a right answer
	count   int
	hard    string // the tool of the hard-coded server that does the same; empty for none
	limits  limits
}

// limits are the goals of a case; zero is none.
type limits struct {
	engine16 float64 // times slower than pgx, 16 calls at a time
	stdio16  float64 // times slower than the hard-coded server, or than 12 / 98 of pgx
	http16   float64 // times slower than the hard-coded server over HTTP, 16 calls at a time
	stdio1   float64 // times slower than pgx, one call at a time
	json1    float64 // times slower than pgx that writes JSON, one call at a time
	reply    float64 // times larger than the plain JSON of the rows
	first    float64 // ms from exec to the first answer
}

const caseJSON = "1,000 x 8, query json"

// cases are the wanted ones of all that can be measured.
func (b *bench) cases() []benchCase {
	rows := limits{json1: 1.3, reply: 1.2, http16: 1}
	const (
		orders = `{"schema":"shop","table_name":"orders"}`
		item   = `{"schema":"area_01","table_name":"item_0102"}`
		lines  = `{"schema":"billing","table_name":"invoice_lines"}`
	)
	list := []benchCase{
		{"SELECT 1, tool file", sample, toolCall("select_one", "{}"), `"one":`, 1, "select_one",
			limits{engine16: 1 / 0.40, stdio16: 1, http16: 1}},
		{"SELECT 1, query", sample, query("SELECT 1 AS one", "json"), `"one":`, 1, "select_one",
			limits{engine16: 1 / 0.40, stdio16: 1, http16: 1, first: 60}},
		{"1,000 x 8, tool file", sample, toolCall("thousand_rows", "{}"), `"id":`, 1000, "thousand_rows", limits{http16: 1}},
		{caseJSON, sample, query(thousandRows, "json"), `"id":`, 1000, "thousand_rows", rows},
		{"1,000 x 8, query csv", sample, query(thousandRows, "csv"), "\n", 1001, "", rows},
		{"1,000 x 8, query markdown", sample, query(thousandRows, "markdown"), " |\n", 1002, "", rows},
		{"list_tables, sample", sample, listTables("shop"), `"table_name":`, 12, "", limits{first: 60}},
		{"describe_table, sample", sample, toolCall("describe_table", orders), `"nullable":`, 9, "", limits{}},
		{"get_foreign_keys, sample", sample, toolCall("get_foreign_keys", orders), `"direction":`, 5, "", limits{}},
		{"find_relationships, sample", sample, toolCall("find_relationships", orders), `"direction":`, 6, "", limits{}},
		{"list_tables, billing", billing, listTables("billing"), `"table_name":`, 200, "", limits{first: 60}},
		{"describe_table, billing", billing, toolCall("describe_table", lines), `"nullable":`, 15, "", limits{}},
		{"get_foreign_keys, billing", billing, toolCall("get_foreign_keys", lines), `"direction":`, 4, "", limits{}},
		{"find_relationships, billing", billing, toolCall("find_relationships", lines), `"direction":`, 6, "", limits{}},
		{"list_tables, wide", wide, listTables("area_01"), `"table_name":`, wideTables, "", limits{stdio1: 2, first: 60}},
		{"describe_table, wide", wide, toolCall("describe_table", item), `"nullable":`, 8, "", limits{stdio1: 3}},
		{"get_foreign_keys, wide", wide, toolCall("get_foreign_keys", item), `"direction":`, 2, "", limits{}},
		{"find_relationships, wide", wide, toolCall("find_relationships", item), `"direction":`, 4, "", limits{}},
		{"describe_database, pattern, wide", wide,
			toolCall("describe_database", `{"name_pattern":"item\\_0017","max_chars":50000}`),
			"\nTABLE ", b.schemas, "", limits{stdio1: 1.3}},
		{"describe_database, 400 tables, wide", wide,
			toolCall("describe_database", `{"schema":"area_01","max_chars":200000}`),
			"\nTABLE ", wideTables, "", limits{stdio1: 1.3}},
		{"describe_table, 20 tables, wide", wide, toolCall("describe_table", twenty("area_01.item_00")), `"nullable":`, 160,
			"", limits{stdio1: 1.3}},
	}
	return slices.DeleteFunc(list, func(c benchCase) bool { return !b.only.MatchString(c.name) })
}

// twenty are the arguments of a call for the tables 10 to 29.
func twenty(prefix string) string {
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, 10+i)
	}
	return fmt.Sprintf(`{"table_name":%q}`, strings.Join(names, ", "))
}

func listTables(schema string) string {
	return toolCall("list_tables", fmt.Sprintf(`{"schema":%q,"page_size":400}`, schema))
}

func query(sql, format string) string {
	return toolCall("query", fmt.Sprintf(`{"sql":%q,"row_limit":1000,"format":%q}`, sql, format))
}

// check counts what is in the text of an answer.
func (c *benchCase) check(answer []byte) error {
	text, err := answerText(answer)
	if n := strings.Count(text, c.mark); err == nil && n != c.count {
		err = fmt.Errorf("got %d times %q, want %d: %.300s", n, c.mark, c.count, text)
	}
	return err
}

// answerText gives the first text of a tool's answer.
func answerText(answer []byte) (string, error) {
	var a struct {
		Content []struct{ Text string }
		IsError bool
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.IsError || len(a.Content) == 0 {
		return "", fmt.Errorf("the server answers %.300q", answer)
	}
	return a.Content[0].Text, nil
}
