// Package faults finds what is wrong with files that people write, and says where: text and YAML are read strictly,
// each fault has its line and column, and a misspelt name gets the nearest one that exists.
package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fault is one thing wrong with one file.
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

// List holds faults of one or more files. As an error it is never empty.
type List []Fault

// Error writes each fault on a line of its own.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Sort orders the faults by path, line and column.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// File is a text file with the faults found in it.
type File struct {
	Path, Text string
	Faults     List

	lines []int // the offset at which each line starts
}

// NewFile makes a File without faults. A byte order mark is left out of Text.
func NewFile(path, text string) *File {
	f := &File{Path: path, Text: strings.TrimPrefix(text, "\ufeff"), lines: []int{0}}
	for i := range len(f.Text) {
		if f.Text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Position turns a byte offset into a line and a column in characters, both from 1.
func (f *File) Position(offset int) (line, col int) {
	i, exact := slices.BinarySearch(f.lines, offset)
	if !exact {
		i--
	}
	return i + 1, utf8.RuneCountInString(f.Text[f.lines[i]:offset]) + 1
}

// Add records a fault.
func (f *File) Add(line, col int, format string, args ...any) {
	f.Faults = append(f.Faults, Fault{Path: f.Path, Line: line, Col: col, Problem: fmt.Sprintf(format, args...)})
}

// Err is a sorted List of the faults; nil without one.
func (f *File) Err() error {
	if len(f.Faults) == 0 {
		return nil
	}
	f.Faults.Sort()
	return f.Faults
}

// AddAt records a fault at a byte offset.
func (f *File) AddAt(offset int, format string, args ...any) {
	line, col := f.Position(offset)
	f.Add(line, col, format, args...)
}

// IsText reports whether the file is UTF-8 without zero bytes and of at most maxBytes, and records why not.
func (f *File) IsText(maxBytes int) bool {
	zero := strings.IndexByte(f.Text, 0)
	switch {
	case len(f.Text) > maxBytes:
		f.Add(1, 1, "file is larger than %d bytes: want less", maxBytes)
	case !utf8.ValidString(f.Text):
		for i, r := range f.Text {
			if r == utf8.RuneError && !strings.HasPrefix(f.Text[i:], "\ufffd") {
				f.AddAt(i, "invalid UTF-8: want UTF-8 text")
				break
			}
		}
	case zero >= 0:
		f.AddAt(zero, "zero byte: want text")
	default:
		return true
	}
	return false
}
