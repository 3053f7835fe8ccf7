package guard_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
)

type decisionCase struct {
	Role, SQL, Want                 string
	Relations, Functions, Operators []string
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestDecide(t *testing.T) {
	var file struct {
		Roles string
		Cases []decisionCase
	}
	readYAML(t, "testdata/decisions.yaml", &file)
	rules := parse(t, file.Roles)
	for _, test := range file.Cases {
		t.Run(test.Role+" "+test.SQL, func(t *testing.T) {
			st, err := sqlscan.Analyze(test.SQL)
			if err != nil {
				t.Fatal(err)
			}
			guard := guard.Restriction{Role: rules.Role(test.Role), ReadOnly: test.Role == ""}
			got := "allow"
			if _, r := guard.Decide(test.SQL, st, test.facts(t, st)); r != nil {
				got = r.Code + " " + r.Rule
				if !strings.Contains(r.Message, " ") || strings.HasSuffix(r.Message, ".") {
					t.Errorf("the refusal is %q, want a sentence", r.Message)
				}
			}
			if got != test.Want {
				t.Errorf("Decide(%s) for %q = %s, want %s", test.SQL, test.Role, got, test.Want)
			}
		})
	}
}

// facts are those of the case: relations as "schema.name kind flags", functions as "schema.name language extension".
func (c decisionCase) facts(t *testing.T, st *sqlscan.Statement) *guard.Resolved {
	t.Helper()
	f := &guard.Resolved{
		Database: "db", Encoding: "UTF8", Relations: make([]*guard.Relation, len(st.Relations)), Functions: make([][]guard.Function, len(st.Functions)),
		Operators: make([][]guard.Function, len(st.Operators)), Types: make([][]guard.Type, len(st.Types)), Conversions: make([][]guard.Type, len(st.Functions)),
	}
	if len(c.Relations) != len(st.Relations) {
		t.Fatalf("%d relations in the case, %d in the statement", len(c.Relations), len(st.Relations))
	}
	for i, text := range c.Relations {
		if words := strings.Fields(text); len(words) > 1 {
			schema, name, _ := strings.Cut(words[0], ".")
			f.Relations[i] = &guard.Relation{OID: 1, Schema: schema, Name: name, Kind: words[1], System: slices.Contains(words, "system"), Foreign: slices.Contains(words, "foreign")}
		}
	}
	for i, text := range c.Functions {
		f.Functions[i] = functionOf(text)
	}
	for i, text := range c.Operators {
		f.Operators[i] = functionOf(text)
	}
	return f
}

func functionOf(text string) []guard.Function {
	words := append(strings.Fields(text), "", "", "")
	if words[0] == "" {
		return nil
	}
	schema, name, _ := strings.Cut(words[0], ".")
	fn := guard.Function{OID: 2, Schema: schema, Name: name, Language: words[1], Kind: "f", System: words[2] == "system"}
	if !fn.System {
		fn.Extension = words[2]
	}
	return []guard.Function{fn}
}

func TestFunctionLists(t *testing.T) {
	var lists struct {
		Everyone, Nobody string
		ReadOnly         string `yaml:"read_only"`
	}
	readYAML(t, "testdata/functions.yaml", &lists)
	role := &guard.Role{}
	for _, test := range []struct {
		names           string
		roles, readOnly bool
	}{{lists.Everyone, true, true}, {lists.ReadOnly, false, true}, {lists.Nobody, false, false}} {
		for _, name := range strings.Fields(test.names) {
			if got := guard.OwnFunction(name, role); got != test.roles {
				t.Errorf("a role may call %s: %v, want %v", name, got, test.roles)
			}
			if got := guard.OwnFunction(name, nil); got != test.readOnly {
				t.Errorf("read-only mode lets %s be called: %v, want %v", name, got, test.readOnly)
			}
		}
	}
}
