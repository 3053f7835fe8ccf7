package catalog_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/sqlscan"
)

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/good", "testdata/bad"} {
		_ = fs.WalkDir(os.DirFS(dir), ".", func(p string, _ fs.DirEntry, err error) error {
			if text, readErr := os.ReadFile(dir + "/" + p); readErr == nil {
				f.Add(text)
			}
			return err
		})
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tool, faults := catalog.Parse("tools/a_tool.sql", "tools", text)
		if (tool == nil) == (len(faults) == 0) {
			t.Fatalf("Parse = %v, %v, want a tool or faults", tool, faults)
		}
		lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
		for _, fault := range faults {
			if !inFile(lines, fault.Line, fault.Col) {
				t.Errorf("fault outside the file: %v", fault)
			}
		}
		if tool != nil {
			checkTool(t, tool, lines)
		}
	})
}

func checkTool(t *testing.T, tool *catalog.Tool, lines []string) {
	t.Helper()
	compareTokens(t, tool)
	for offset := -1; offset < utf8.RuneCountInString(tool.Statement.SQL)+3; offset++ {
		if line, col := tool.Position(offset); !inFile(lines, line, col) {
			t.Errorf("Position(%d) = %d:%d, outside the file", offset, line, col)
		}
	}
	if tool.Page == nil {
		return
	}
	for _, st := range []catalog.Statement{tool.Page.First, tool.Page.Next} {
		if !strings.Contains(st.SQL, "(\n"+tool.Statement.SQL+"\n)") {
			t.Errorf("page does not wrap the statement: %s", st.SQL)
		}
		if last := st.Args[len(st.Args)-1]; last != catalog.PageLimit {
			t.Errorf("last argument of a page is %s, want %s", last, catalog.PageLimit)
		}
	}
}

// compareTokens reads the compiled SQL again: the tokens must be those of the file, with each @name replaced by
// $n::type; what came from fragments has the place of the key use.
func compareTokens(t *testing.T, tool *catalog.Tool) {
	t.Helper()
	own := tool.Statement.SQL
	if tool.Use != nil {
		own = ""
		useLine, useCol := tool.KeyPosition("use")
		for i, r := range []rune(tool.Statement.SQL) {
			if line, col := tool.Position(i + 1); line != useLine || col != useCol {
				own += string(r)
			}
		}
	}
	source, compiled := significant(tool.SQL), significant(own)
	for _, token := range source {
		if token.kind == sqlscan.Param {
			compiled = dropParam(t, compiled)
			continue
		}
		if len(compiled) == 0 {
			if token.text != ";" {
				t.Fatalf("token %q is lost in\n%s", token.text, tool.Statement.SQL)
			}
			continue
		}
		if compiled[0] != token {
			t.Fatalf("token %q has become %q in\n%s", token.text, compiled[0].text, tool.Statement.SQL)
		}
		compiled = compiled[1:]
	}
	if len(compiled) > 0 {
		t.Fatalf("token %q is new in\n%s", compiled[0].text, tool.Statement.SQL)
	}
}

// dropParam drops $1::type, $1::type[], ($1::type) or ($1::type[]).
func dropParam(t *testing.T, tokens []token) []token {
	t.Helper()
	next := func(want string) {
		t.Helper()
		if len(tokens) == 0 || tokens[0].kind.String() != want && tokens[0].text != want {
			t.Fatalf("compiled SQL goes on with %v, want %s of a parameter", tokens, want)
		}
		tokens = tokens[1:]
	}
	at := func(text string) bool { return len(tokens) > 0 && tokens[0].text == text }
	wrapped := at("(")
	if wrapped {
		next("(")
	}
	next("positional")
	next("::")
	next("word")
	if at("[") {
		next("[")
		next("]")
	}
	if wrapped {
		next(")")
	}
	return tokens
}

// token is a significant token without its place.
type token struct {
	kind        sqlscan.Kind
	text, fault string
}

func significant(sql string) []token {
	var all []token
	for _, t := range sqlscan.LexTool(sql) {
		if t.Significant() {
			all = append(all, token{t.Kind, sql[t.Start:t.End], t.Fault})
		}
	}
	return all
}

func inFile(lines []string, line, col int) bool {
	return line >= 1 && line <= len(lines) && col >= 1 && col <= utf8.RuneCountInString(lines[line-1])+1
}

// FuzzSQL is FuzzParse with a header that is always right.
func FuzzSQL(f *testing.F) {
	good, err := os.ReadFile("testdata/good/tricky_sql.sql")
	if err != nil {
		f.Fatal(err)
	}
	header, body, _ := strings.Cut(string(good), "---*/\n")
	for _, line := range strings.Split(body, "\n") {
		f.Add(line)
	}
	use := "SELECT @a, @b, @j, @i, "
	f.Fuzz(func(t *testing.T, sql string) {
		text := header + "---*/\n" + use + sql
		tool, faults := catalog.Parse("tools/a_tool.sql", "tools", []byte(text))
		lines := strings.Split(text, "\n")
		for _, fault := range faults {
			if !inFile(lines, fault.Line, fault.Col) {
				t.Errorf("fault outside the file: %v", fault)
			}
		}
		if tool != nil {
			checkTool(t, tool, lines)
		}
	})
}
