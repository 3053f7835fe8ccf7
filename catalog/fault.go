package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with one tool file.
type Fault struct {
	// Path is the file as shown to people.
	Path string
	// Line and Col count from 1, Col in characters. Both are 0 where the fault is not about a place in a file, such as
	// a folder that can't be read.
	Line, Col int
	// Rule names the rule of a warning; it is empty for a fault.
	Rule string
	// Problem says what is wrong, then what is wanted.
	Problem string
}

// String writes the fault as path:line:col: problem.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.Path + ": " + f.Problem
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.Path, f.Line, f.Col, f.Problem)
}

// Faults are all faults of all files, sorted by path, line and column. As an error it is never empty.
type Faults []Fault

// Error lists every fault on a line of its own.
func (ff Faults) Error() string {
	lines := make([]string, len(ff))
	for i, f := range ff {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Sort brings them into the order of the files.
func (ff Faults) Sort() {
	slices.SortStableFunc(ff, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
