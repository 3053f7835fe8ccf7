package sqlscan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

var update = flag.Bool("update", false, "rewrite the files of testdata")

// The files in testdata hold statements, each with what the analysis says of it on the lines below. The statement is all
// up to the line "---"; an empty line ends the answer.
func TestAnalyze(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob = %v, %v, want files", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := annotate(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(data), got); diff != "" && !*update {
				t.Errorf("Analyze of %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// annotate gives the file with the answers of now.
func annotate(t *testing.T, file string) string {
	t.Helper()
	var out strings.Builder
	for _, entry := range strings.Split(strings.TrimSpace(file), "\n\n") {
		sql, _, _ := strings.Cut(entry, "\n---")
		if strings.HasPrefix(sql, "#") { // a heading
			fmt.Fprintf(&out, "%s\n\n", sql)
			continue
		}
		fmt.Fprintf(&out, "%s\n---\n%s\n", sql, describe(sqlscan.Analyze(unescape.Replace(sql))))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

var unescape = strings.NewReplacer(`\n\n`, "\n\n")

func describe(st *sqlscan.Statement, err error) string {
	var out strings.Builder
	switch err := err.(type) {
	case nil:
	case *sqlscan.SyntaxError:
		return fmt.Sprintf("syntax error at %d: %s\n", err.Position, err)
	default:
		return fmt.Sprintf("%T: %s\n", err, err)
	}
	out.WriteString(st.Command)
	for _, flag := range []struct {
		name string
		is   bool
	}{{"explain", st.Explain}, {"analyze", st.Analyze}, {"into", st.Into}, {"writes", st.Writes()}, {"returns", st.Writes() && st.Returns}} {
		if flag.is {
			out.WriteString(" " + flag.name)
		}
	}
	out.WriteString("\n")
	for _, r := range st.Relations {
		name := strings.TrimLeft(r.Catalog+"."+r.Schema+"."+r.Name, ".")
		fmt.Fprintf(&out, "  relation %s: %s at %d\n", name, operations(r.Ops), r.Position)
	}
	objects(&out, "function", st.Functions)
	objects(&out, "operator", st.Operators)
	objects(&out, "type", st.Types)
	objects(&out, "construct", st.Constructs)
	for _, name := range st.Settings {
		fmt.Fprintf(&out, "  setting %s\n", name)
	}
	if st.Params != nil {
		fmt.Fprintf(&out, "  params %v\n", st.Params)
	}
	return out.String()
}

func objects(out *strings.Builder, kind string, all []sqlscan.Object) {
	for _, o := range all {
		name, notation := strings.TrimPrefix(o.Schema+"."+o.Name, "."), kind
		if o.Field {
			notation = "field or " + kind
		}
		if o.Syntax > 0 {
			notation = fmt.Sprintf("before %d %s", o.Syntax/10000, kind)
		}
		fmt.Fprintf(out, "  %s %s at %d\n", notation, name, o.Position)
	}
}

func operations(ops sqlscan.Operation) string {
	var names []string
	for i, name := range []string{"select", "insert", "update", "delete", "lock"} {
		if ops&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
