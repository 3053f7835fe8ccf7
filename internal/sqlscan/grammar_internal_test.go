package sqlscan

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// handled are the kinds of nodes that the walk has code for, and switched the statements that command has.
const (
	handled = `A_Expr A_Indirection CaseExpr ColumnRef CommonTableExpr DeleteStmt FuncCall InsertStmt IntoClause JoinExpr MergeStmt
		ParamRef RangeSubselect RangeTableSample RangeVar ResTarget SelectStmt SortBy SubLink TypeCast TypeName UpdateStmt WithClause`
	switched = `CreateFunctionStmt CreateTableAsStmt DiscardStmt FetchStmt GrantStmt GrantRoleStmt TransactionStmt VacuumStmt VariableSetStmt`
)

// grammarFields reads, from the source of the parser, the fields of each kind of node with the kind that they must hold;
// empty if they can hold any.
func grammarFields(t *testing.T) map[string]map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pganalyze/pg_query_go/v6").Output()
	if err != nil {
		t.Fatalf("finding the parser: %v", err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "parser/include/pg_query_outfuncs_defs.c"))
	if err != nil {
		t.Fatalf("reading the parser: %v", err)
	}
	function := regexp.MustCompile(`(?s)_out\w+\(OUT_TYPE\((\w+), \w+\) out, const \w+ \*node\)\n\{(.*?)\n\}`)
	field := regexp.MustCompile(`WRITE_(\w+)\(([^)]*)\)`)
	all := map[string]map[string]string{}
	for _, f := range function.FindAllStringSubmatch(string(source), -1) {
		all[f[1]] = map[string]string{}
		for _, w := range field.FindAllStringSubmatch(f[2], -1) {
			args := strings.Split(w[2], ", ")
			kind := ""
			if strings.HasPrefix(w[1], "SPECIFIC_NODE") {
				kind = args[0]
			}
			all[f[1]][args[len(args)-2]] = kind
		}
	}
	if len(all) < 200 {
		t.Fatalf("the parser has %d kinds of nodes, want more than 200", len(all))
	}
	return all
}

func TestEmbeddedIsComplete(t *testing.T) {
	grammar := grammarFields(t)
	known := append(slices.Collect(maps.Keys(plain)), slices.Collect(maps.Keys(constructs))...)
	byHand := []string{"A_Const", "A_Star", "BitString", "Boolean", "Float", "Integer", "List", "ParseResult", "String"} // written by hand in the parser
	for _, kind := range append(known, strings.Fields(handled)...) {
		if grammar[kind] == nil && !slices.Contains(byHand, kind) {
			t.Errorf("%s is not in the grammar", kind)
		}
		for field, want := range grammar[kind] {
			if want != "" && embedded[fieldName{kind, field}] != want {
				t.Errorf("embedded[%s.%s] = %q, want %q", kind, field, embedded[fieldName{kind, field}], want)
			}
			if unicode.IsUpper(rune(field[0])) {
				t.Errorf("field %s.%s can't be told from a kind of node", kind, field)
			}
		}
	}
	for f, kind := range embedded {
		if !slices.Contains(byHand, f.parent) && grammar[f.parent][f.field] != kind {
			t.Errorf("embedded[%s.%s] = %q, want %q", f.parent, f.field, kind, grammar[f.parent][f.field])
		}
	}
}

func TestCommandsAreComplete(t *testing.T) {
	for kind := range grammarFields(t) {
		_, fixed := commands[kind]
		_, on := onObjects[kind]
		if strings.HasSuffix(kind, "Stmt") && kind != "RawStmt" && kind != "SetOperationStmt" && !fixed && !on &&
			!slices.Contains(strings.Fields(switched), kind) {
			t.Errorf("command(%s) is not known", kind)
		}
	}
	for kind := range commands {
		if !strings.HasSuffix(kind, "Stmt") {
			t.Errorf("commands holds %s", kind)
		}
	}
}

// The stack sizes are those of ulimit -s, of musl, and of glibc without a limit.
func TestNestingFor(t *testing.T) {
	for stack, want := range map[uint64]int{
		0: 0, 64 << 10: 0, 128 << 10: 128, 1 << 20: 1920, 2 << 20: 3968, 8 << 20: 10_000, 1 << 63: 10_000, ^uint64(0): 10_000,
	} {
		if got := nestingFor(stack); got != want {
			t.Errorf("nestingFor(%d) = %d, want %d", stack, got, want)
		}
	}
}
