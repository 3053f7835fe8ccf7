package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	orderedmap "github.com/pb33f/ordered-map/v2"
)

// object is a JSON object in the order of its text.
type object = orderedmap.OrderedMap[string, json.RawMessage]

// objects reads an array of JSON objects. It is nil for anything else and for an empty array.
func objects(raw json.RawMessage) (list []*object) {
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 || slices.Contains(list, nil) {
		return nil
	}
	return list
}

// writeAnswer shows a structured answer to people: items as a table, an object as lines with its lists as tables.
func writeAnswer(w io.Writer, body json.RawMessage) {
	all := orderedmap.New[string, json.RawMessage]()
	if json.Unmarshal(body, all) != nil {
		fmt.Fprintln(w, string(body))
		return
	}
	tables := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for f := all.Oldest(); f != nil; f = f.Next() {
		rows := objects(f.Value)
		switch {
		case rows != nil && f.Key == "items":
			writeTable(tables, "", rows)
		case rows != nil:
			fmt.Fprintf(tables, "%s:\n", f.Key)
			writeTable(tables, "  ", rows)
		case f.Key == "items":
			fmt.Fprintln(tables, "(no rows)")
		default:
			fmt.Fprintf(tables, "%s:\t%s\n", f.Key, plainText(f.Value))
		}
	}
	_ = tables.Flush() // the terminal is gone: nobody is left to tell
}

func writeTable(w *tabwriter.Writer, indent string, rows []*object) {
	var names []string
	for _, row := range rows {
		for f := row.Oldest(); f != nil; f = f.Next() {
			if !slices.Contains(names, f.Key) {
				names = append(names, f.Key)
			}
		}
	}
	_ = w.Flush() // columns are aligned within a table only
	fmt.Fprintln(w, indent+strings.ToUpper(strings.Join(names, "\t")))
	for _, row := range rows {
		var cells []string
		for _, name := range names {
			cells = append(cells, shorten(plainText(row.Value(name))))
		}
		fmt.Fprintln(w, indent+strings.Join(cells, "\t"))
	}
	_ = w.Flush()
}

// maxCell is the most characters that a cell of a table shows.
const maxCell = 120

func shorten(text string) string {
	if utf8.RuneCountInString(text) > maxCell {
		text = string([]rune(text)[:maxCell-3]) + "..."
	}
	return text
}

// plainText writes a JSON value on one line: strings without quotes, lists with commas, null as nothing.
func plainText(raw json.RawMessage) string {
	var text string
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &text) == nil: // null too
	case json.Unmarshal(raw, &list) == nil:
		var parts []string
		for _, item := range list {
			parts = append(parts, plainText(item))
		}
		text = strings.Join(parts, ", ")
	default:
		text = string(raw)
	}
	return strings.Join(strings.Fields(text), " ")
}
