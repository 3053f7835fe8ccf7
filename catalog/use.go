package catalog

import (
	"embed"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/sqlscan"
)

// fragments are CTEs that a file takes in with use. Each file holds one; a line "-- needs: x" names the one that
// it reads from.
//
//go:embed fragments/*.sql
var fragments embed.FS

// fragmentNames are those that a file may use.
func fragmentNames() []string {
	entries, _ := fragments.ReadDir("fragments") // an embedded folder can be read
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return names
}

// fragment gives the CTE and the fragment that it needs, which may be none.
func fragment(name string) (cte, needs string) {
	text, _ := fragments.ReadFile("fragments/" + name + ".sql") // the name is one of fragmentNames
	cte = strings.TrimSpace(string(text))
	for strings.HasPrefix(cte, "--") {
		line, rest, _ := strings.Cut(cte, "\n")
		if word, ok := strings.CutPrefix(line, "-- needs: "); ok {
			needs = word
		}
		cte = rest
	}
	return cte, needs
}

// use reads the names of fragments, and puts before each what it needs.
func (f *file) use(t *Tool, m faults.Mapping) {
	for _, n := range m.Items("use") {
		if !faults.IsText(n) || !slices.Contains(fragmentNames(), n.Value) {
			f.AddNode(n, "use holds %s, which is no fragment%s", faults.Describe(n), faults.Choose(n.Value, fragmentNames()))
			continue
		}
		var names []string
		for name := n.Value; name != "" && !slices.Contains(t.Use, name); _, name = fragment(name) {
			names = append(names, name)
		}
		slices.Reverse(names)
		t.Use = append(t.Use, names...)
	}
}

// inserted is the SQL of the fragments within that of the file.
type inserted struct{ at, length int }

// source turns an offset of the SQL with the fragments into one of the file's SQL; in a fragment it is not ok.
func (i inserted) source(offset int) (int, bool) {
	if offset >= i.at+i.length {
		return offset - i.length, true
	}
	return min(offset, i.at), offset < i.at || i.length == 0
}

// wantedName is the fragment that takes a list of names apart.
const wantedName = "wanted_name"

// withFragments puts the fragments before the CTEs of the file's SQL, of which none may have the name of a fragment.
func (f *file) withFragments(t *Tool, base int) (string, inserted) {
	if len(t.Use) == 0 {
		return t.SQL, inserted{}
	}
	tokens := significant(t.SQL)
	if len(tokens) == 0 {
		return t.SQL, inserted{}
	}
	var ctes []string
	for _, name := range t.Use {
		cte, _ := fragment(name)
		ctes = append(ctes, cte)
		for i, p := range t.Params {
			if usesParam(cte, p.Name) && p.Type != (Type{Scalar: String}) {
				f.AddNode(f.params[i], "param %s is of type %s: want string, the fragment %s uses it", p.Name, p.Type, name)
			}
			t.Params[i].several = p.several || name == wantedName && p.Names == NamesTable && usesParam(cte, p.Name)
		}
	}
	at, text := tokens[0].Start, "WITH "+strings.Join(ctes, ", ")+"\n"
	if tokens[0].word == "with" {
		last := tokens[0]
		if len(tokens) > 1 && tokens[1].word == "recursive" {
			last = tokens[1]
		}
		at, text = last.End, " "+strings.Join(ctes, ", ")+","
		f.clashes(t, tokens, base)
	}
	return t.SQL[:at] + text + t.SQL[at:], inserted{at, len(text)}
}

func usesParam(sql, name string) bool {
	return slices.ContainsFunc(sqlscan.LexTool(sql), func(t sqlscan.Token) bool {
		return t.Kind == sqlscan.Param && sql[t.Start+1:t.End] == name
	})
}

// clashes reports the CTEs of the file that have the name of a fragment: name AS (, name AS MATERIALIZED ( or name
// (columns).
func (f *file) clashes(t *Tool, tokens []token, base int) {
	for i := 1; i+2 < len(tokens); i++ {
		name, next, then := strings.Trim(tokens[i].word, `"`), tokens[i+1].word, tokens[i+2].word
		if tokens[i].depth == 0 && slices.Contains(t.Use, name) &&
			(next == "(" || next == "as" && (then == "(" || then == "not" || then == "materialized")) {
			f.AddAt(base+tokens[i].Start, "CTE %s has the name of a fragment that the file uses: want another", name)
		}
	}
}
