package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// field is one member of a JSON object, in the order of the text.
type field struct {
	name  string
	value json.RawMessage
}

// fields reads a JSON object and keeps its order; ok is false for anything else.
func fields(raw json.RawMessage) (list []field, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		list = append(list, field{fmt.Sprint(name), value})
	}
	return list, true
}

// objects reads an array of JSON objects.
func objects(raw json.RawMessage) (list [][]field, ok bool) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) == 0 {
		return nil, false
	}
	for _, item := range items {
		object, ok := fields(item)
		if !ok {
			return nil, false
		}
		list = append(list, object)
	}
	return list, true
}

// writeAnswer shows a structured answer to people: items as a table, an object as lines with its lists as tables.
func writeAnswer(w io.Writer, body json.RawMessage) {
	all, ok := fields(body)
	if !ok {
		fmt.Fprintln(w, string(body))
		return
	}
	tables := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		rows, isList := objects(f.value)
		switch {
		case isList && f.name == "items":
			writeTable(tables, "", rows)
		case isList:
			fmt.Fprintf(tables, "%s:\n", f.name)
			writeTable(tables, "  ", rows)
		case f.name == "items":
			fmt.Fprintln(tables, "(no rows)")
		default:
			fmt.Fprintf(tables, "%s:\t%s\n", f.name, plainText(f.value))
		}
	}
	_ = tables.Flush() // the terminal is gone: nothing is left to tell
}

func writeTable(w *tabwriter.Writer, indent string, rows [][]field) {
	var names []string
	known := map[string]bool{}
	for _, row := range rows {
		for _, f := range row {
			if !known[f.name] {
				known[f.name] = true
				names = append(names, f.name)
			}
		}
	}
	_ = w.Flush() // columns are aligned within a table only
	fmt.Fprintln(w, indent+strings.ToUpper(strings.Join(names, "\t")))
	for _, row := range rows {
		cells := make([]string, len(names))
		for i, name := range names {
			for _, f := range row {
				if f.name == name {
					cells[i] = shorten(plainText(f.value))
				}
			}
		}
		fmt.Fprintln(w, indent+strings.Join(cells, "\t"))
	}
	_ = w.Flush()
}

// maxCell is the most characters that a cell of a table shows.
const maxCell = 120

// plainText writes a JSON value on one line: strings without quotes, lists with commas.
func plainText(raw json.RawMessage) string {
	var text string
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"':
	case json.Unmarshal(raw, &list) == nil && len(raw) > 0 && raw[0] == '[':
		var parts []string
		for _, item := range list {
			parts = append(parts, plainText(item))
		}
		text = strings.Join(parts, ", ")
	case string(raw) != "null":
		text = string(raw)
	}
	return strings.Join(strings.Fields(text), " ")
}

func shorten(text string) string {
	if utf8.RuneCountInString(text) > maxCell {
		text = string([]rune(text)[:maxCell-3]) + "..."
	}
	return text
}
