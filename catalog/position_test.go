package catalog_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"mcp-postgres/catalog"
)

const located = "\ufeff\r\n/*---\r\ndescription: Where things are.\r\npage: {key: [x]}\r\nparams:\r\n" +
	"  - {name: a, type: string}\r\n  - {name: b, type: \"integer[]\"}\r\n---*/\r\n\r\n" +
	"  SELECT 'größe' || @a, é,\r\n   @b[1], miss ing\r\nFROM t;\r\n"

func TestPosition(t *testing.T) {
	tool, faults := catalog.Parse("x.sql", "custom", []byte(located))
	if faults != nil {
		t.Fatalf("Parse:\n%v", faults)
	}
	tests := []struct {
		at        string // in the compiled SQL
		line, col int
	}{
		{"SELECT", 10, 3}, {"'größe'", 10, 10}, {"|| ", 10, 18}, {"$1::text", 10, 21}, {"::text", 10, 21}, {", é", 10, 23},
		{"é,", 10, 25}, {"($2", 11, 4}, {"[])[1]", 11, 4}, {"[1]", 11, 6}, {"miss", 11, 11}, {"ing", 11, 16}, {"FROM", 12, 1},
	}
	for _, tt := range tests {
		before, _, _ := strings.Cut(tool.Statement.SQL, tt.at)
		offset := utf8.RuneCountInString(before) + 1
		if line, col := tool.Position(offset); line != tt.line || col != tt.col {
			t.Errorf("Position(%d, at %q) = %d:%d, want %d:%d", offset, tt.at, line, col, tt.line, tt.col)
		}
	}
	for offset, want := range map[int][2]int{-1: {10, 3}, 0: {10, 3}, 1: {10, 3}, 1000: {12, 7}} {
		if line, col := tool.Position(offset); line != want[0] || col != want[1] {
			t.Errorf("Position(%d) = %d:%d, want %d:%d", offset, line, col, want[0], want[1])
		}
	}
	if line, col := new(catalog.Tool).Position(1); line != 0 || col != 0 {
		t.Errorf("Position of no file = %d:%d, want 0:0", line, col)
	}
}
