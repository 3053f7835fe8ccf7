package guard

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// What compares values by the order or equality of their type, without naming it.
var (
	comparingWords     = strings.Fields("order group distinct union intersect except partition greatest least cycle array")
	comparingOperators = strings.Fields("= <> < > <= >=")
	containing         = strings.Fields("@> <@ &&") // of arrays; geometry has them too
	comparingFunctions = strings.Fields("min max mode width_bucket generate_series")
)

// compares reports whether the statement may compare values so. It errs on the side of yes.
func (d *decision) compares() bool {
	for _, o := range d.st.Operators {
		if slices.Contains(comparingOperators, o.Name) || len(d.st.Relations) > 0 && slices.Contains(containing, o.Name) {
			return true
		}
	}
	for _, f := range d.st.Functions {
		if slices.Contains(comparingFunctions, f.Name) || strings.HasPrefix(f.Name, "array_") ||
			strings.Contains(f.Name, "range") {
			return true
		}
	}
	for _, t := range sqlscan.Lex(d.sql) {
		if t.Kind == sqlscan.Word && slices.Contains(comparingWords, strings.ToLower(d.sql[t.Start:t.End])) {
			return true
		}
	}
	contains := func(o sqlscan.Object) bool { return slices.Contains(containing, o.Name) }
	return slices.ContainsFunc(d.st.Operators, contains) && d.mayHaveArrays()
}

// mayHaveArrays reports whether a statement without relations may have arrays: by a word of theirs, a type or a
// function of users.
func (d *decision) mayHaveArrays() bool {
	return strings.Contains(d.sql, "[") ||
		slices.ContainsFunc(d.st.Types, func(t sqlscan.Object) bool { return strings.HasPrefix(t.Name, "_") }) ||
		slices.ContainsFunc(slices.Concat(d.resolved.Types...), func(t Type) bool { return !t.System }) ||
		slices.ContainsFunc(slices.Concat(d.resolved.Functions...), func(f Function) bool { return !f.System })
}
