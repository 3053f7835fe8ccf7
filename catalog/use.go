package catalog

import (
	"embed"
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// fragments are CTEs that a file takes in with use. Each file holds one; a line "-- needs: x" names the one that it reads from.
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
func (f *file) use(t *Tool, m mapping) {
	for _, n := range m.list("use") {
		if !isText(n) || !slices.Contains(fragmentNames(), n.Value) {
			hint := DidYouMean(n.Value, fragmentNames())
			if hint == "" {
				hint = ":"
			}
			f.wrongKind(n, "use holds %s, which is no fragment%s want %s", describe(n), hint, oneOf(fragmentNames()))
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

// withFragments puts the fragments before the CTEs of the file's SQL, of which none may have the name of a fragment.
func (f *file) withFragments(t *Tool, base int) (string, inserted) {
	tokens := slices.DeleteFunc(sqlscan.LexTool(t.SQL), func(token sqlscan.Token) bool { return !token.Significant() })
	if len(t.Use) == 0 || len(tokens) == 0 {
		return t.SQL, inserted{}
	}
	var ctes []string
	for _, name := range t.Use {
		cte, _ := fragment(name)
		ctes = append(ctes, cte)
	}
	at, text := tokens[0].Start, "WITH "+strings.Join(ctes, ", ")+"\n"
	word := func(i int) string { return strings.ToLower(t.SQL[tokens[i].Start:tokens[i].End]) }
	if word(0) == "with" {
		last := 0
		if len(tokens) > 1 && word(1) == "recursive" {
			last = 1
		}
		at, text = tokens[last].End, " "+strings.Join(ctes, ", ")+","
		f.clashes(t, tokens[last+1:], base)
	}
	return t.SQL[:at] + text + t.SQL[at:], inserted{at, len(text)}
}

// clashes reports the CTEs of the file that have the name of a fragment. tokens are those behind WITH.
func (f *file) clashes(t *Tool, tokens []sqlscan.Token, base int) {
	depth, wanted := 0, true
	for _, token := range tokens {
		word := t.SQL[token.Start:token.End]
		switch {
		case word == "(":
			depth++
		case word == ")":
			depth--
		case depth > 0:
		case word == ",":
			wanted = true
		case wanted:
			wanted = false
			if name := strings.ToLower(strings.Trim(word, `"`)); slices.Contains(t.Use, name) {
				f.faultAt(base+token.Start, "CTE %s has the name of a fragment that the file uses: want another", name)
			}
		case slices.Contains([]string{"select", "values", "table", "insert", "update", "delete", "merge"}, strings.ToLower(word)):
			return
		}
	}
}
